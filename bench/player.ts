/**
 * A session whose agent does what the harness tells it, turn by turn in one long run: what is measured are calls, not
 * the start and the end of sessions.
 */
import type { Agent, CallOptions } from '../src/emulator/agent.ts';
import type { CallResult } from '../src/emulator/calls.ts';
import type { CreateOptions, SessionHandle } from '../src/emulator/handle.ts';
import type { Emulator } from '../src/emulator/server.ts';

type Job = (agent: Agent) => Promise<void>;

export class Player {
  readonly session: SessionHandle;
  readonly #jobs: Job[] = [];
  #wake = () => {};
  #ended = false;

  constructor(emulator: Emulator, options: Pick<CreateOptions, 'history'> = {}) {
    this.session = emulator.createSession({ ...options, script: agent => this.#play(agent) });
  }

  get id(): string {
    return this.session.id;
  }

  /** Lets the agent do something. @throws what it threw; Error after `limitMs`. */
  async play<T>(limitMs: number, work: (agent: Agent) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const late = setTimeout(() => {
      const open = this.session.info().open_calls.length;
      reject(new Error(`not done within ${limitMs} ms (calls without a result: ${open})`));
    }, limitMs);
    this.#jobs.push(async agent => void (await work(agent).then(resolve, reject)));
    this.#wake();
    try {
      return await promise;
    } finally {
      clearTimeout(late);
    }
  }

  /** The agent says no more: its turn, and with that the session's run, may end. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async #play(agent: Agent): Promise<void> {
    for (;;) {
      const job = this.#jobs.shift();
      if (job !== undefined) await job(agent);
      else if (this.#ended) return;
      else
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
    }
  }
}

export interface PlannedCall extends CallOptions {
  readonly name: string;
  readonly input?: object;
}

/** One call after the other. @returns ms of each. @throws Error where one was not answered well. */
export async function serially(agent: Agent, calls: readonly PlannedCall[]): Promise<number[]> {
  const times: number[] = [];
  for (const { name, input, ...options } of calls) {
    const began = performance.now();
    const result = await agent.call(name, input, options);
    times.push(performance.now() - began);
    mustBeWell(result);
  }
  return times;
}

export function mustBeWell({ name, is_error, closed_by, text }: CallResult): void {
  if (closed_by === 'result' && !is_error) return;
  throw new Error(`${name} was not answered as it should be (closed by ${closed_by}): ${text.slice(0, 200)}`);
}

export function times(count: number, call: PlannedCall): PlannedCall[] {
  return Array.from({ length: count }, () => call);
}
