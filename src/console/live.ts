/** What keeps a page that is looked at up to date: server-sent events, a page's content whenever it has changed. */
import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';

export interface LiveOptions {
  /** Ends all streams. */
  readonly signal: AbortSignal;
  /** Streams at a time (200): a browser has six. */
  readonly most?: number;
  /** Between two signs of life, ms (10,000). */
  readonly pingMs?: number;
}

export interface Live {
  /** Sends what `read` resolves to whenever it differs from the last; `read` may never reject. */
  follow(c: Context, pauseMs: number, read: () => Promise<string>): Response;
  /** Sends parts until `read` says that no more come. @param read undefined: nothing new. */
  tail(c: Context, pauseMs: number, read: () => Promise<TailPart | undefined>): Response;
}

export interface TailPart {
  readonly data: string;
  /** The last part. */
  readonly last: boolean;
  /** More is there already. */
  readonly more: boolean;
}

export function wantsEvents(c: Context): boolean {
  return (c.req.header('accept') ?? '').includes('text/event-stream');
}

export function createLive({ signal, most = 200, pingMs = 10_000 }: LiveOptions): Live {
  let open = 0;
  function stream(
    c: Context,
    work: (stream: SSEStreamingApi, isOver: () => boolean) => Promise<void>,
  ): Response {
    if (open >= most) return c.text(`${most} pages are followed already: close some.\n`, 503);
    open++;
    return streamSSE(c, async stream => {
      const end = () => stream.abort();
      signal.addEventListener('abort', end, { once: true });
      try {
        await work(stream, () => stream.aborted || stream.closed || signal.aborted);
      } finally {
        signal.removeEventListener('abort', end);
        open--;
      }
    });
  }
  /** Waits between two looks, and says now and then that it is still there. */
  function pacer(stream: SSEStreamingApi, pauseMs: number) {
    let spoke = performance.now();
    return {
      spoken: () => {
        spoke = performance.now();
      },
      async pause() {
        if (performance.now() - spoke > pingMs) {
          await stream.writeSSE({ event: 'ping', data: '' });
          spoke = performance.now();
        }
        await stream.sleep(pauseMs);
      },
    };
  }
  return {
    follow: (c, pauseMs, read) =>
      stream(c, async (out, isOver) => {
        const { spoken, pause } = pacer(out, pauseMs);
        for (let last = ''; !isOver(); await pause()) {
          const now = await read();
          if (now === last) continue;
          last = now;
          await out.writeSSE({ event: 'page', data: now });
          spoken();
        }
      }),
    tail: (c, pauseMs, read) =>
      stream(c, async (out, isOver) => {
        const { spoken, pause } = pacer(out, pauseMs);
        while (!isOver()) {
          const part = await read();
          if (part !== undefined) {
            await out.writeSSE({ event: 'part', data: part.data });
            spoken();
            if (part.more) continue;
            if (part.last) {
              await out.writeSSE({ event: 'over', data: '' });
              return;
            }
          }
          await pause();
        }
      }),
  };
}
