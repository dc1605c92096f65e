/** One session served while its runner is killed with SIGKILL in the middle and started again at once. */
import type { SessionHandle } from '../../emulator/handle.ts';
import type { TetheredProcess } from '../tethered-process.ts';
import { untilTheMoment } from './kill.ts';
import type { Runner } from './runner.ts';
import type { Span } from './timeline.ts';

export interface Act {
  readonly folder: string;
  readonly session: SessionHandle;
  readonly runner: Runner;
  /**
   * Begins to serve the session; resolves when its run has ended, with what was wrong with it if anything. Absent for a
   * runner that serves by itself and whose process then ends.
   */
  readonly serve: (() => Promise<string | undefined>) | undefined;
  readonly killAfterMs: number | undefined;
  /** Milliseconds; only a bound for single waits, the signal ends the whole. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** What happens now, as `starting the worker`. */
  readonly stage: (text: string) => void;
}

export interface Performance {
  /** When the runner's processes listened. */
  readonly up: readonly Span[];
  readonly killedAt: number | undefined;
  readonly faults: readonly string[];
}

const STOP_MS = 5_000;

export class Performer {
  readonly #act: Act;
  readonly #up: { from: number; to: number | undefined }[] = [];
  readonly #faults: string[] = [];
  readonly #broken = Promise.withResolvers<never>();
  readonly #ended = Promise.withResolvers<string | undefined>();
  #process: TetheredProcess | undefined;
  #killedAt: number | undefined;

  constructor(act: Act) {
    this.#act = act;
    this.#broken.promise.catch(() => {});
    this.#ended.promise.catch(() => {});
  }

  /** So far, also after `perform` has failed. */
  get soFar(): Performance {
    return { up: this.#up, killedAt: this.#killedAt, faults: this.#faults };
  }

  /** @throws the signal's reason; Error when a process ends that was not killed by us. */
  async perform(): Promise<void> {
    const { session, stage, serve, limitMs } = this.#act;
    stage('starting the worker');
    await this.#start();
    if (serve !== undefined) serve().then(this.#ended.resolve, this.#ended.reject);
    await this.#or(session.wait('streaming', { timeoutMs: limitMs }));
    this.#up.push({ from: Date.now(), to: undefined });
    stage('the agent works');
    session.sendMessage('Make the tests pass, release it, and tell our four customers.');
    if (await this.#momentComes()) await this.#killAndRestart();
    else this.#faults.push('the session ended before its worker could be killed');
    const fault = await this.#or(this.#ended.promise);
    if (fault !== undefined) this.#faults.push(fault);
  }

  async stop(): Promise<void> {
    const ending = this.#process;
    this.#process = undefined;
    await ending?.stop(STOP_MS);
  }

  async #start(): Promise<void> {
    const started = await this.#act.runner.start();
    this.#process = started;
    void started.exited.then(async exit => {
      if (this.#process !== started) return;
      if (this.#act.serve === undefined && exit.code === 0) return this.#ended.resolve(undefined);
      const words = await this.#act.runner.lastWords();
      this.#broken.reject(new Error(`the worker ended by itself (${exit.signal ?? exit.code}): ${words}`));
    });
  }

  /** False where the session ends first. */
  async #momentComes(): Promise<boolean> {
    const { folder, killAfterMs, signal } = this.#act;
    const over = new AbortController();
    const either = AbortSignal.any([over.signal, signal]);
    const moment = untilTheMoment(folder, killAfterMs, either).then(() => true);
    moment.catch(() => {});
    const ended = this.#ended.promise.then(() => false);
    try {
      return await this.#or(Promise.race([moment, ended]));
    } finally {
      over.abort();
    }
  }

  async #killAndRestart(): Promise<void> {
    const { session, stage, limitMs } = this.#act;
    const victim = this.#process;
    if (victim === undefined) return;
    stage(`killing the worker (SIGKILL to ${victim.pid}) and starting another`);
    this.#process = undefined;
    process.kill(victim.pid, 'SIGKILL');
    await this.#or(victim.exited);
    this.#killedAt = Date.now();
    const before = this.#up.at(-1);
    if (before !== undefined) before.to = this.#killedAt;
    await this.#start();
    stage('the session goes on');
    // Only for the timeline: the session may also end without another stream.
    const back = session.wait('streaming', { timeoutMs: limitMs });
    back.then(() => this.#up.push({ from: Date.now(), to: undefined })).catch(() => {});
  }

  #or<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#act;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    return Promise.race([work, this.#broken.promise, aborted]).finally(() =>
      signal.removeEventListener('abort', onAbort),
    );
  }
}
