/**
 * The tools threads of a host. A thread runs one call at a time, so that ending it costs no other call (I12). The
 * last thread to fall idle is the first to be taken: calls that come one after another meet the same module state.
 */
import type { ServedTool } from '../session/served-tool.ts';
import type { HostLimits } from './limits.ts';
import type { ProgramTool } from './module-entry.ts';
import type { MountRoots } from './mount-protocol.ts';
import { callMark } from './paths.ts';
import { type ThreadEnd, ThreadHandle, type ThreadOptions } from './thread-handle.ts';
import type { ThreadReady } from './thread-protocol.ts';
import type { ToolCall } from './tool-run.ts';

type PoolLimits = Pick<
  HostLimits,
  'maxThreads' | 'idleThreads' | 'idleThreadMs' | 'abortGraceMs' | 'closeHookMs'
>;

export class ToolPool {
  readonly #options: ThreadOptions;
  readonly #limits: PoolLimits;
  /** Oldest first; the close hooks run in the first that still lives. */
  readonly #threads: ThreadHandle[] = [];
  readonly #idle: ThreadHandle[] = [];
  readonly #waiting: (() => void)[] = [];
  #description: ThreadReady | undefined;
  #loadedModule = false;

  constructor(options: ThreadOptions, limits: PoolLimits) {
    this.#options = options;
    this.#limits = limits;
  }

  get tools(): readonly ServedTool[] {
    return this.#description?.tools ?? [];
  }

  program(name: string): ProgramTool | undefined {
    return this.#description?.programs[name];
  }

  /** Starts the first thread and learns the module's tools from it. */
  async start(): Promise<ThreadReady | { readonly kind: 'broken'; readonly message: string }> {
    const thread = this.#startThread();
    const ready = await thread.ready;
    if (ready.kind === 'ready') {
      this.#description = ready;
      this.#release(thread);
    }
    return ready;
  }

  /** Runs the call in a thread of its own. After an abort the thread has `abortGraceMs`, then it is terminated. */
  async run(call: ToolCall, roots: MountRoots): Promise<ThreadEnd> {
    const thread = await this.#acquire(call.signal);
    if (thread === undefined)
      return { kind: 'died', reason: 'the call was stopped before a thread was free' };
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      thread.abort();
      timer = setTimeout(
        () => void thread.terminate('the tool did not heed its abort signal'),
        this.#limits.abortGraceMs,
      );
    };
    if (call.signal.aborted) onAbort();
    else call.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const ready = await thread.ready;
      if (ready.kind === 'broken') return { kind: 'died', reason: ready.message };
      const { id, name, input, type } = call;
      return await thread.run({ id, name, input, type, roots, callMark: callMark(id) }, chunk =>
        call.log.append(chunk),
      );
    } finally {
      clearTimeout(timer);
      call.signal.removeEventListener('abort', onAbort);
      this.#release(thread);
    }
  }

  /**
   * Runs every tool's close hook in the oldest thread that has loaded the module (row 11). Called once in a host's life.
   * @returns the hooks that failed, as `tool: why`.
   */
  async runCloseHooks(): Promise<readonly string[]> {
    if (!this.#loadedModule || this.#options.data.toolsModule === undefined) return [];
    const thread = this.#threads.find(each => each.alive && this.#idle.includes(each)) ?? this.#startThread();
    const late = new Promise<readonly string[]>(resolve => {
      const why = [`close hooks: not done after ${this.#limits.closeHookMs} ms`];
      setTimeout(() => resolve(why), this.#limits.closeHookMs).unref();
    });
    return Promise.race([thread.ready.then(() => thread.runCloseHooks()), late]);
  }

  async terminate(): Promise<void> {
    await Promise.all(this.#threads.map(thread => thread.terminate('the host is ending')));
  }

  async #acquire(signal: AbortSignal): Promise<ThreadHandle | undefined> {
    for (;;) {
      if (signal.aborted) return undefined;
      const idle = this.#idle.pop();
      if (idle?.alive === true) return idle;
      if (idle !== undefined) continue;
      if (this.#threads.length < this.#limits.maxThreads) return this.#startThread();
      await this.#turn(signal);
    }
  }

  /** Resolves when a thread may be free, or on abort; then it leaves the queue, lest it swallow another's turn. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        remove(this.#waiting, wake);
        resolve();
      };
      this.#waiting.push(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #startThread(): ThreadHandle {
    const thread = new ThreadHandle(this.#options, () => {
      remove(this.#threads, thread);
      remove(this.#idle, thread);
      this.#waiting[0]?.();
    });
    this.#threads.push(thread);
    void thread.ready.then(ready => {
      if (ready.kind === 'ready') this.#loadedModule = true;
    });
    return thread;
  }

  #release(thread: ThreadHandle): void {
    if (!thread.alive) return;
    this.#idle.push(thread);
    this.#waiting[0]?.();
    if (this.#idle.length > this.#limits.idleThreads) {
      setTimeout(() => this.#trim(), this.#limits.idleThreadMs).unref();
    }
  }

  /** Ends the youngest of too many idle threads: the oldest keeps the state that close hooks may need. */
  #trim(): void {
    if (this.#idle.length <= this.#limits.idleThreads) return;
    const youngest = this.#idle.toSorted((a, b) => b.startedAt - a.startedAt)[0];
    if (youngest === undefined) return;
    remove(this.#idle, youngest);
    void youngest.terminate('idle');
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}
