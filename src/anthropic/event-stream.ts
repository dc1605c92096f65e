/**
 * A session's events off an SSE response. The SDK splits the bytes into frames; its own event iterator is not
 * used because it drops frames without an `event:` line, hides pings (a sign of life) and throws on a frame
 * that is not JSON (api.md §1.4).
 */
import { Stream } from '@anthropic-ai/sdk/streaming';

/** One event as it came, of any type, unchecked. */
export type RawEvent = Readonly<Record<string, unknown>>;

export interface EventStreamOptions {
  /** Milliseconds without a byte, pings counting, after which the stream is given up as half-open. */
  readonly silenceMs: number;
  readonly log: (line: string) => void;
}

/**
 * Yields every JSON object of the stream but pings. Nothing is read ahead of the consumer, who may so hold the
 * socket back; only the time spent waiting for bytes counts as silence.
 *
 * @throws Error on silence, on a lost connection and on an `error` event; returns when the server closed it.
 */
export async function* readEvents(
  response: Response,
  options: EventStreamOptions,
): AsyncGenerator<RawEvent, void, undefined> {
  const type = response.headers.get('content-type') ?? 'nothing';
  if (response.body === null || !type.startsWith('text/event-stream')) {
    await response.body?.cancel();
    throw new Error(`the answer is ${type}, not an event stream`);
  }
  const silence = createSilence(options.silenceMs);
  const watched = response.body.pipeThrough(silence.bytes);
  const frames = Stream.rawEvents(new Response(watched));
  try {
    for (;;) {
      const next = await silence.guard(frames.next());
      if (next.done) return;
      const event = parse(next.value.event, next.value.data, options.log);
      if (event === undefined) continue;
      if (event.type === 'error') throw new Error(`the stream reported an error: ${errorText(event)}`);
      yield event;
    }
  } finally {
    // Not awaited: while a read is pending it would wait for the silent server. The caller aborts the request.
    frames.return(undefined).catch(() => undefined);
  }
}

function parse(name: string | null, data: string, log: (line: string) => void): RawEvent | undefined {
  if (name === 'ping' || data === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    log(`skipped a frame of ${data.length} characters (event: ${name ?? 'none'}) that is not JSON`);
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const event = value as RawEvent;
  if (event.type === 'ping') return undefined;
  return typeof event.type === 'string' || name === null ? event : { ...event, type: name };
}

function errorText(event: RawEvent): string {
  const error = event.error as { type?: unknown; message?: unknown } | undefined;
  return String(error?.message ?? error?.type ?? 'unknown').slice(0, 200);
}

interface Silence {
  /** Passes bytes through and takes each chunk as a sign of life. */
  readonly bytes: TransformStream<Uint8Array, Uint8Array>;
  /** Rejects when no byte comes for the whole limit while `pending` is waited for. */
  guard<T>(pending: Promise<T>): Promise<T>;
}

function createSilence(ms: number): Silence {
  let timer: NodeJS.Timeout | undefined;
  return {
    bytes: new TransformStream({
      transform(chunk, controller) {
        timer?.refresh();
        controller.enqueue(chunk);
      },
    }),
    async guard(pending) {
      let fail: (error: Error) => void = () => undefined;
      const silent = new Promise<never>((_, reject) => {
        fail = reject;
      });
      timer = setTimeout(() => fail(new Error(`the stream was silent for ${ms} ms`)), ms);
      try {
        return await Promise.race([pending, silent]);
      } finally {
        clearTimeout(timer);
        timer = undefined;
        // When silence won, the read fails later, with nobody left to hear it.
        pending.catch(() => undefined);
      }
    },
  };
}
