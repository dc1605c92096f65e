/** A tool host's end of its mounts thread, which is started by the first mount. */
import { Worker } from 'node:worker_threads';
import { errorText } from '../error-text.ts';
import { unmountMs } from './memory-rescue.ts';
import {
  type FromMountThread,
  type MountAnswer,
  type MountRequest,
  type MountRoots,
  type MountThreadData,
  NO_ROOTS,
  type ToMountThread,
} from './mount-protocol.ts';

export interface MountsOptions extends MountThreadData {
  /** The thread's environment: it holds no credential. */
  readonly env: Readonly<Record<string, string>>;
}

type Reply = Exclude<FromMountThread, { kind: 'warning' }>;
type Died = { readonly kind: 'died'; readonly reason: string };

/** Sources run from `.ts`, a build from `.js`. */
const ENTRY = new URL(`./mount-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** What removing the skills may take. */
const SKILLS_MS = 5_000;

export class Mounts {
  readonly #options: MountsOptions;
  #thread: Worker | undefined;
  #waiting: ((reply: Reply | Died) => void)[] = [];
  #roots: MountRoots = NO_ROOTS;

  constructor(options: MountsOptions) {
    this.#options = options;
  }

  get roots(): MountRoots {
    return this.#roots;
  }

  /** Mounts skills and memory stores; where they are mounted already, only the token is renewed. Never rejects. */
  async mount(request: MountRequest): Promise<MountAnswer> {
    if (request.renewOnly && this.#thread === undefined) return { kind: 'mounted', notes: [] };
    const reply = await this.#ask({ kind: 'mount', request });
    if (reply.kind === 'mount-answer') {
      this.#roots = reply.roots;
      return reply.answer;
    }
    return { kind: 'unavailable', reason: reply.kind === 'died' ? reply.reason : 'no answer' };
  }

  /** The last sync, then removes what was mounted. @returns what went wrong; never rejects. */
  async unmount(): Promise<readonly string[]> {
    if (this.#thread === undefined) return [];
    const { journal } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Died>(resolve => {
      timer = setTimeout(resolve, SKILLS_MS + unmountMs(journal), {
        kind: 'died',
        reason: 'it took too long',
      } as const);
    });
    const reply = await Promise.race([this.#ask({ kind: 'unmount' }), late]);
    clearTimeout(timer);
    await this.#thread?.terminate();
    if (reply.kind === 'unmounted') return reply.notes;
    return [`the memory stores were not synced: ${reply.kind === 'died' ? reply.reason : 'no answer'}`];
  }

  #ask(message: ToMountThread): Promise<Reply | Died> {
    const thread = this.#thread ?? this.#start();
    return new Promise(resolve => {
      // The thread does one thing after the other, so answers come in the order of the questions.
      this.#waiting.push(resolve);
      thread.postMessage(message);
    });
  }

  #start(): Worker {
    const { env, workspace, journal } = this.#options;
    const data: MountThreadData = { workspace, journal };
    const thread = new Worker(ENTRY, {
      name: 'mounts',
      workerData: data,
      env: { ...env },
      execArgv: [],
    });
    let why = 'the mounts thread ended';
    thread.on('message', (message: FromMountThread) => {
      if (message.kind === 'warning') console.error(`mounts: ${message.line}`);
      else this.#waiting.shift()?.(message);
    });
    thread.on('error', error => {
      why = `the mounts thread failed: ${errorText(error)}`;
      console.error(why);
    });
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = undefined;
      for (const settle of this.#waiting.splice(0)) settle({ kind: 'died', reason: why });
    });
    this.#thread = thread;
    return thread;
  }
}
