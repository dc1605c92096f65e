import type { SessionEvent } from './event-log.ts';
import type { FrameOptions, StreamConnection } from './stream.ts';

/** The open streams of one session. */
export class Streams {
  readonly #open = new Set<StreamConnection>();
  readonly #changed: () => void;

  /** @param changed is told when a connection comes or goes. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get count(): number {
    return this.#open.size;
  }

  attach(stream: StreamConnection): void {
    this.#open.add(stream);
    this.#changed();
  }

  detach(stream: StreamConnection): void {
    this.#open.delete(stream);
    this.#changed();
  }

  send(event: SessionEvent, options: FrameOptions): void {
    for (const stream of this.#open) stream.send(event, options);
  }

  preview(event: SessionEvent, text: string): void {
    for (const stream of this.#open) stream.preview(event, text);
  }

  /** Destroys all connections, and tells how many there were. */
  cut(): number {
    const count = this.#open.size;
    for (const stream of this.#open) stream.cut();
    return count;
  }

  end(): void {
    for (const stream of this.#open) stream.end();
  }
}
