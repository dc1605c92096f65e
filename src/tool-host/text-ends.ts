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

  /** Head and tail as text; the whole is both joined, if nothing was left out. */
  ends(): { readonly head: string; readonly tail: string; readonly bytes: number } {
    const tail = Buffer.concat(this.#tail);
    return {
      head: Buffer.concat(this.#head).toString('utf8'),
      tail: (this.whole ? tail : tail.subarray(-this.#half)).toString('utf8'),
      bytes: this.#bytes,
    };
  }

  /** Joined before it is decoded, as a character may lie across the two. */
  text(): string {
    if (this.whole) return Buffer.concat([...this.#head, ...this.#tail]).toString('utf8');
    const { head, tail } = this.ends();
    return `${head}\n[…]\n${tail}`;
  }
}
