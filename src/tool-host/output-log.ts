/**
 * A call's `output.log`, written as the output comes, so that it can be followed and is evidence when the host dies
 * (what was written survives the process). Bounded (I11): beyond the limit only the count and the end in memory go on.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { EVIDENCE_BYTES } from './evidence.ts';

export class OutputLog {
  readonly #path: string;
  readonly #limit: number;
  #file: number | undefined;
  #written = 0;
  #bytes = 0;
  #end = Buffer.alloc(0);
  #closed = false;

  constructor(path: string, limit: number) {
    this.#path = path;
    this.#limit = limit;
  }

  /** Bytes of output so far, those beyond the limit included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The last bytes of the output as text. */
  get end(): string {
    return this.#end.toString('utf8');
  }

  append(output: string | Buffer): void {
    if (this.#closed || output.length === 0) return;
    const chunk = typeof output === 'string' ? Buffer.from(output) : output;
    this.#bytes += chunk.length;
    this.#end = Buffer.concat([this.#end, chunk.subarray(-EVIDENCE_BYTES)]).subarray(-EVIDENCE_BYTES);
    const room = this.#limit - this.#written;
    if (room <= 0) return;
    this.#write(chunk.subarray(0, room));
    if (chunk.length > room) this.#write(Buffer.from(`\n[output beyond ${this.#limit} bytes is not kept]\n`));
  }

  close(): void {
    this.#closed = true;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Synchronous on purpose: what a tool said before the host was killed must be in the file. */
  #write(chunk: Buffer): void {
    try {
      this.#file ??= openSync(this.#path, 'a', 0o600);
      this.#written += writeSync(this.#file, chunk);
    } catch {
      // A full disk costs the log, not the call.
      this.#written = this.#limit;
    }
  }
}
