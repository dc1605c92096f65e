/** A tool host's end of its mounts thread, which is started by the first mount. */
import { errorText } from '../error-text.ts';
import { type Cell, startCell } from './cell.ts';
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
import { mountRecordOf } from './mount-record.ts';
import type { Owner } from './tool-user.ts';

export interface MountsOptions extends MountThreadData {
  /** Where what must outlive the host is recorded: see `memory-rescue.ts`. */
  readonly journal: string;
  /** Of the process that takes the thread's place: it writes where tools may have laid links. */
  readonly owner: Owner | undefined;
  /** The thread's environment: it holds no credential. */
  readonly env: Readonly<Record<string, string>>;
}

type Reply = Exclude<FromMountThread, { kind: 'warning' | 'record' }>;
type Died = { readonly kind: 'died'; readonly reason: string };

/** What removing the skills may take. */
const SKILLS_MS = 5_000;

export class Mounts {
  readonly #options: MountsOptions;
  #thread: Cell<ToMountThread> | undefined;
  #waiting: ((reply: Reply | Died) => void)[] = [];
  #roots: MountRoots = NO_ROOTS;

  constructor(options: MountsOptions) {
    this.#options = options;
  }

  get roots(): MountRoots {
    return this.#roots;
  }

  /** The processes that mounting needs. */
  get pids(): readonly number[] {
    return this.#thread?.pid === undefined ? [] : [this.#thread.pid];
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
      thread.post(message);
    });
  }

  #start(): Cell<ToMountThread> {
    const { env, workspace, owner } = this.#options;
    let why = 'the mounts thread ended';
    const thread = startCell<ToMountThread, FromMountThread>({
      entry: 'mount-thread',
      data: { workspace } satisfies MountThreadData,
      env,
      owner,
      onMessage: message => {
        if (message.kind === 'warning') console.error(`mounts: ${message.line}`);
        else if (message.kind === 'record') void this.#keepRecord(thread, message);
        else this.#waiting.shift()?.(message);
      },
      onError: error => {
        why = `the mounts thread failed: ${errorText(error)}`;
        console.error(why);
      },
      onExit: () => {
        if (this.#thread === thread) this.#thread = undefined;
        for (const settle of this.#waiting.splice(0)) settle({ kind: 'died', reason: why });
      },
    });
    for (const stream of thread.output) stream.on('data', chunk => process.stderr.write(chunk));
    this.#thread = thread;
    return thread;
  }

  async #keepRecord(
    thread: Cell<ToMountThread>,
    { replaceBy }: Extract<FromMountThread, { kind: 'record' }>,
  ): Promise<void> {
    const keeper = mountRecordOf(this.#options.journal);
    try {
      if (replaceBy !== undefined) await keeper.write(replaceBy);
      thread.post({ kind: 'recorded', record: await keeper.read() });
    } catch (error) {
      thread.post({ kind: 'recorded', problem: errorText(error) });
    }
  }
}
