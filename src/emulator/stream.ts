/**
 * One connection of `GET …/events/stream` (api.md §1.4): frames `event: <type>`, pings, no replay. It is
 * written on the raw response, because the faults cut, delay and silence single frames.
 */
import type { ServerResponse } from 'node:http';
import type { SessionEvent } from './event-log.ts';
import type { SessionFaults } from './faults.ts';

/** How one frame differs from the normal one. */
export interface FrameOptions {
  /** The name on the `event:` line; `null` writes no such line, and the SDK then drops the frame. */
  readonly event_line?: string | null;
  /** ms that this frame comes late. */
  readonly delay_ms?: number;
}

/** A client that stops reading is cut at this many buffered bytes, as a proxy would cut it. */
const MAX_BUFFERED = 64 * 1024 * 1024;

export class StreamConnection {
  readonly #response: ServerResponse;
  readonly #faults: SessionFaults;
  readonly #deltas: ReadonlySet<string>;
  readonly #timers = new Set<NodeJS.Timeout>();
  #events = 0;

  /** @param deltas the event types whose previews this connection asked for. */
  constructor(response: ServerResponse, faults: SessionFaults, deltas: ReadonlySet<string>) {
    this.#response = response;
    this.#faults = faults;
    this.#deltas = deltas;
  }

  /** Sends the head and starts the pings; the session must already know the connection (api.md §6.1.1). */
  open(pingMs: number): void {
    this.#response.on('close', () => {
      for (const timer of this.#timers) clearTimeout(timer);
      this.#timers.clear();
    });
    this.#response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    this.#response.flushHeaders();
    const closing = this.#faults.usableStream(stream => (stream.close_at_connect ?? 0) > 0);
    if (closing !== undefined) {
      closing.close_at_connect = (closing.close_at_connect ?? 1) - 1;
      this.end();
      return;
    }
    this.#ping(pingMs);
    const cutAfter = this.#faults.stream('cut_every_ms');
    if (cutAfter !== undefined) this.#later(cutAfter, () => this.cut());
  }

  send(event: SessionEvent, options: FrameOptions = {}): void {
    if (this.#faults.stream('drop_types')?.includes(event.type)) return;
    const name = options.event_line === undefined ? event.type : options.event_line;
    const frame = `${name === null ? '' : `event: ${name}\n`}data: ${JSON.stringify(event)}\n\n`;
    const delay = options.delay_ms ?? this.#takeDelay(event.type);
    if (delay > 0) this.#later(delay, () => this.#event(frame));
    else this.#event(frame);
  }

  /** A preview of a message: its start and its whole text as one delta, where the connection asked for it. */
  preview(event: SessionEvent, text: string): void {
    if (!this.#deltas.has(event.type)) return;
    const { id, type } = event;
    const start = { type: 'event_start', event: { id, type } };
    const delta = {
      type: 'event_delta',
      event_id: id,
      delta: { type: 'content_delta', index: 0, content: { type: 'text', text } },
    };
    for (const part of type === 'agent.message' ? [start, delta] : [start]) {
      this.#write(`event: ${part.type}\ndata: ${JSON.stringify(part)}\n\n`);
    }
  }

  /** Destroys the socket: the client sees a broken connection. */
  cut(): void {
    this.#response.destroy();
  }

  /** Ends the response cleanly. */
  end(): void {
    this.#response.end();
  }

  #event(frame: string): void {
    this.#write(frame);
    if (this.#takeDuplicate()) this.#write(frame);
    this.#events++;
    const cutting = this.#faults.usableStream(
      stream => (stream.cut_after_events ?? Infinity) <= this.#events && stream.cut_times !== 0,
    );
    if (cutting === undefined) return;
    if (cutting.cut_times !== undefined) cutting.cut_times--;
    // Through the queue of writes, so that the events before the cut do arrive.
    this.#response.write(': cut\n\n', () => this.cut());
  }

  #write(text: string): void {
    if (this.#faults.stream('silent') || this.#response.writableEnded || this.#response.destroyed) return;
    this.#response.write(text);
    if (this.#response.writableLength > MAX_BUFFERED) this.cut();
  }

  #ping(everyMs: number): void {
    this.#later(everyMs, () => {
      this.#write('event: ping\ndata: {"type": "ping"}\n\n');
      this.#ping(everyMs);
    });
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  #takeDelay(type: string): number {
    const delays = this.#faults.stream('delay_frames') ?? [];
    const delay = delays.find(one => one.times > 0 && (one.types?.includes(type) ?? true));
    if (delay === undefined) return 0;
    delay.times--;
    return delay.ms;
  }

  #takeDuplicate(): boolean {
    const faults = this.#faults.usableStream(stream => Boolean(stream.duplicate_frames));
    if (faults === undefined) return false;
    if (typeof faults.duplicate_frames === 'number') faults.duplicate_frames--;
    return true;
  }
}
