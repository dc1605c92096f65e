/** The host's end of one tools thread. Its methods settle whatever the thread does, and never reject. */
import { Worker } from 'node:worker_threads';
import { errorText } from '../error-text.ts';
import type { FromThread, ThreadData, ThreadReady, ToThread } from './thread-protocol.ts';

export type ThreadEnd =
  | Extract<FromThread, { kind: 'answer' | 'run-program' }>
  /** The thread is gone, and why. */
  | { readonly kind: 'died'; readonly reason: string };

export interface ThreadOptions {
  readonly data: ThreadData;
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMb: number;
}

/** Sources run from `.ts`, a build from `.js`. */
const ENTRY = new URL(`./tool-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** How often the memory of a running call is looked at. */
const WEIGH_MS = 250;

export class ThreadHandle {
  readonly #worker: Worker;
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
    this.#worker = new Worker(ENTRY, {
      name: 'tools',
      workerData: options.data,
      env: { ...options.env },
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: options.memoryMb },
    });
    this.ready = new Promise(resolve => {
      this.#onMessage = message => {
        if (message.kind === 'ready' || message.kind === 'broken') resolve(message);
      };
      this.#onDeath = reason =>
        resolve({ kind: 'broken', message: `the tools thread did not start: ${reason}` });
    });
    this.#worker.on('message', (message: FromThread) => this.#onMessage(message));
    this.#worker.on('error', error => this.#dies(this.#whyFrom(error)));
    this.#worker.on('exit', code => {
      this.#dies(`the tool ended its process (exit code ${code})`);
      onExit();
    });
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) {
      stream.on('data', (chunk: Buffer) => this.#onOutput(chunk));
    }
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
    this.#worker.postMessage({ kind: 'abort' } satisfies ToThread);
  }

  /** Runs the close hooks once. @returns those that failed, as `tool: why`. */
  async runCloseHooks(): Promise<readonly string[]> {
    const message = await this.#ask({ kind: 'close' });
    if (message.kind === 'closed') return message.failures;
    return [`close hooks: ${message.kind === 'died' ? message.reason : 'no answer'}`];
  }

  async terminate(reason: string): Promise<void> {
    this.#dies(reason);
    await this.#worker.terminate();
  }

  #ask(message: ToThread): Promise<FromThread | { kind: 'died'; reason: string }> {
    if (this.#death !== undefined) return Promise.resolve({ kind: 'died', reason: this.#death });
    return new Promise(resolve => {
      this.#onMessage = resolve;
      this.#onDeath = reason => resolve({ kind: 'died', reason });
      this.#worker.postMessage(message);
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
    const heap = await this.#worker.getHeapStatistics().catch(() => undefined);
    this.#weighing = false;
    if (heap === undefined || heap.external_memory <= this.#memoryMb * 1024 * 1024) return;
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
