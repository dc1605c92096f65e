/** Runs a session's script: begins with its first turn, and ends the last turn when it is through. */
import { Agent, ExpectationFailed } from './agent.ts';
import type { CallResult } from './calls.ts';
import { mismatch } from './expectation.ts';
import { type CallStep, readStep, type Script, type Step } from './script.ts';
import type { Session } from './session.ts';
import type { AgentCall } from './tool-use.ts';
import { SessionEnded } from './waiters.ts';

export type ScriptState = 'none' | 'waiting' | 'running' | 'done' | 'failed';

export class ScriptRun {
  readonly #session: Session;
  readonly #script: Script | undefined;
  /** Nobody plays the model but the test: turns stay open. */
  readonly #manual: boolean;
  #state: ScriptState;

  constructor(session: Session, script: Script | 'manual' | undefined) {
    this.#session = session;
    this.#manual = script === 'manual';
    this.#script = script === 'manual' ? undefined : script;
    this.#state = this.#script === undefined ? 'none' : 'waiting';
  }

  get state(): ScriptState {
    return this.#state;
  }

  get isManual(): boolean {
    return this.#manual;
  }

  /** Called when a turn begins: the first starts the script; one that nobody plays is ended at once. */
  turnBegan(): void {
    if (this.#state === 'running' || this.#manual) return;
    if (this.#state === 'waiting' && this.#script !== undefined) {
      this.#state = 'running';
      void this.#run(this.#script);
    } else {
      setImmediate(() => this.#endTurn());
    }
  }

  async #run(script: Script): Promise<void> {
    const agent = new Agent(this.#session, false);
    try {
      await play(agent, script);
      this.#state = 'done';
      this.#endTurn();
    } catch (error) {
      if (error instanceof SessionEnded) this.#state = 'done';
      else {
        this.#state = 'failed';
        this.#session.fail(reasonOf(error));
      }
    }
    this.#session.changed();
  }

  #endTurn(): void {
    if (this.#session.turn.isOpen && this.#session.calls.openCount === 0)
      this.#session.turn.end({ type: 'end_turn' });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ExpectationFailed) return error.message;
  return `the script threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

async function play(agent: Agent, script: Script): Promise<void> {
  try {
    await perform(new StepPlayer(agent), agent, script);
  } catch (thrown) {
    if (thrown !== END) throw thrown;
  }
}

async function perform(player: StepPlayer, agent: Agent, script: Script): Promise<void> {
  if (typeof script !== 'function') return await player.play(script);
  const running = script(agent);
  if (!(Symbol.asyncIterator in running)) {
    await running;
    return;
  }
  let next = await running.next();
  while (next.done !== true) {
    const answer = await player.step(readStep(next.value, 'a yielded step'));
    next = await running.next(answer);
  }
}

/** Thrown by the step `end`. */
const END = Symbol('end of script');

class StepPlayer {
  readonly #agent: Agent;
  #last: CallResult[] = [];

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.step(step);
  }

  /** Does one step; what it gives goes back to a generator that yielded it. */
  async step(step: Step): Promise<unknown> {
    const agent = this.#agent;
    if ('say' in step) return await agent.say(step.say);
    if ('call' in step) return (await this.#calls([agentCall(step as CallStep)]))[0];
    if ('ask' in step) {
      return (await this.#calls([agentCall({ permission: 'ask', ...step, call: step.ask } as CallStep)]))[0];
    }
    if ('calls' in step) return await this.#calls(step.calls.map(call => agentCall(call as CallStep)));
    if ('expect' in step) return agent.expect(this.#last, step.expect);
    if ('branch' in step) {
      return await this.play(
        mismatch(this.#last, step.branch) === undefined ? step.steps : (step.else ?? []),
      );
    }
    if ('repeat' in step) {
      for (let i = 0; i < step.repeat; i++) await this.play(step.steps);
      return undefined;
    }
    if ('idle' in step) return await agent.idle(step.idle);
    if ('wait' in step) return await agent.wait(step.wait);
    if ('emit' in step) return agent.emit(step.emit);
    if ('error' in step) return await agent.error(step.error);
    if ('end_thread' in step) return await agent.endThread(step.end_thread);
    if ('terminate' in step) return agent.terminate();
    throw END;
  }

  async #calls(calls: readonly AgentCall[]): Promise<CallResult[]> {
    this.#last = await this.#agent.calls(calls);
    return this.#last;
  }
}

function agentCall({ call, ...fields }: CallStep): AgentCall {
  return { ...fields, name: call };
}
