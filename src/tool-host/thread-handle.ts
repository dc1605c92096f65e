/** The host's end of one tools thread. Its methods settle whatever the thread does, and never reject. */
import { errorText } from '../error-text.ts';
import { type Cell, startCell } from './cell.ts';
import type { FromThread, ThreadData, ThreadReady, ToThread } from './thread-protocol.ts';
import type { Owner } from './tool-user.ts';

export type ThreadEnd =
  | Extract<FromThread, { kind: 'answer' | 'run-program' }>
  /** The thread is gone, and why. */
  | { readonly kind: 'died'; readonly reason: string };

export interface ThreadOptions {
  readonly data: ThreadData;
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  /** Of the process that takes the thread's place; undefined: a thread. */
  readonly owner: Owner | undefined;
}

/** How often the memory of a running call is looked at. */
const WEIGH_MS = 250;

export class ThreadHandle {
  readonly #cell: Cell<ToThread>;
  readonly #memoryMb: number;
  readonly ready: Promise<ThreadReady | { readonly kind: 'broken'; readonly message: string }>;
  readonly startedAt = performance.now();
  #death: string | undefined;
  #weighing = false;
  #onMessage: (message: FromThread) => void = () => {};
  #onDeath: (reason: string) => void = () => {};
  #onOutput: (chunk: Buffer) => void = () => {};

  constructor(options: ThreadOptions, onExit: () => void) {
    this.#memoryMb = options.memoryMb;
    this.ready = new Promise(resolve => {
      this.#onMessage = message => {
        if (message.kind === 'ready' || message.kind === 'broken') resolve(message);
      };
      this.#onDeath = reason =>
        resolve({ kind: 'broken', message: `the tools thread did not start: ${reason}` });
    });
    const { data, env, memoryMb, owner } = options;
    this.#cell = startCell<ToThread, FromThread>({
      ...{ entry: 'tool-thread', data, env, memoryMb, owner },
      onMessage: message => this.#onMessage(message),
      onError: error => this.#dies(this.#whyFrom(error)),
      onExit: how => {
        this.#dies(`the tool ended its process (${how})`);
        onExit();
      },
    });
    for (const stream of this.#cell.output) stream.on('data', (chunk: Buffer) => this.#onOutput(chunk));
  }

  get alive(): boolean {
    return this.#death === undefined;
  }

  /** Runs one call; the pool sees to it that there is no other. */
  run(
    call: Omit<Extract<ToThread, { kind: 'run' }>, 'kind'>,
    onOutput: (chunk: Buffer) => void,
  ): Promise<ThreadEnd> {
    this.#onOutput = onOutput;
    const watch = setInterval(() => void this.#weigh(), WEIGH_MS);
    return this.#ask({ kind: 'run', ...call }).then(message => {
      clearInterval(watch);
      this.#onOutput = () => {};
      if (message.kind === 'answer' || message.kind === 'run-program' || message.kind === 'died')
        return message;
      return { kind: 'died', reason: `the tools thread answered ${message.kind}` };
    });
  }

  abort(): void {
    this.#cell.post({ kind: 'abort' });
  }

  /** Runs the close hooks once. @returns those that failed, as `tool: why`. */
  async runCloseHooks(): Promise<readonly string[]> {
    const message = await this.#ask({ kind: 'close' });
    if (message.kind === 'closed') return message.failures;
    return [`close hooks: ${message.kind === 'died' ? message.reason : 'no answer'}`];
  }

  async terminate(reason: string): Promise<void> {
    this.#dies(reason);
    await this.#cell.terminate();
  }

  #ask(message: ToThread): Promise<FromThread | { kind: 'died'; reason: string }> {
    if (this.#death !== undefined) return Promise.resolve({ kind: 'died', reason: this.#death });
    return new Promise(resolve => {
      this.#onMessage = resolve;
      this.#onDeath = reason => resolve({ kind: 'died', reason });
      this.#cell.post(message);
    });
  }

  #dies(reason: string): void {
    if (this.#death !== undefined) return;
    this.#death = reason;
    this.#onDeath(reason);
  }

  /** Buffers live outside the heap that `resourceLimits` bounds, in the memory of the whole host (I12). */
  async #weigh(): Promise<void> {
    if (this.#weighing || !this.alive) return;
    this.#weighing = true;
    const bytes = await this.#cell.outsideHeap();
    this.#weighing = false;
    if (bytes === undefined || bytes <= this.#memoryMb * 1024 * 1024) return;
    await this.terminate(this.#tooLarge());
  }

  #tooLarge(): string {
    return `the tool used more than ${this.#memoryMb} MB of memory`;
  }

  #whyFrom(error: unknown): string {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_WORKER_OUT_OF_MEMORY') return this.#tooLarge();
    const message = errorText(error);
    return `the tool failed outside its call: ${message}`;
  }
}
