/** Collects output of any length in bounded memory: its head and its tail. */
export class TextEnds {
  readonly #half: number;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #bytes = 0;

  /** @param limit bytes that are kept, half of them from either end. */
  constructor(limit: number) {
    this.#half = Math.ceil(limit / 2);
  }

  /** Whether nothing was left out so far. */
  get whole(): boolean {
    return this.#bytes === this.#headBytes + this.#tailBytes;
  }

  add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const head = chunk.subarray(0, this.#half - this.#headBytes);
    if (head.length > 0) this.#head.push(head);
    this.#headBytes += head.length;
    const rest = chunk.subarray(head.length);
    if (rest.length === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    // Joined only now and then: a copy of the tail for every chunk would be quadratic.
    if (this.#tailBytes > this.#half * 2) {
      const joined = Buffer.concat(this.#tail).subarray(-this.#half);
      this.#tail = [Buffer.from(joined)];
      this.#tailBytes = joined.length;
    }
  }

  text(): string {
    const head = Buffer.concat(this.#head);
    const tail = Buffer.concat(this.#tail);
    if (this.whole) return Buffer.concat([head, tail]).toString('utf8');
    const kept = tail.subarray(-this.#half);
    const left = this.#bytes - head.length - kept.length;
    return `${head.toString('utf8')}\n[${left} of ${this.#bytes} bytes left out here: the output was too large]\n${kept.toString('utf8')}`;
  }
}
