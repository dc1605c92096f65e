/** One start of one tool, from its durable start marker to its durable outcome (I5). */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText } from '../error-text.ts';
import { failpoint } from '../failpoint.ts';
import type { Evidence, ToolOutcome } from '../session/outcome.ts';
import { isBuiltin } from './builtin-tools.ts';
import { lastLines } from './evidence.ts';
import type { Journal, StartRecord } from './journal.ts';
import { killAll } from './kill.ts';
import type { HostLimits } from './limits.ts';
import { OutputLog } from './output-log.ts';
import { callMark } from './paths.ts';
import type { ProcessIdentity } from './processes.ts';
import type { CallRequest, RunningCall } from './protocol.ts';
import { type ToolAnswer, textAnswer } from './tool-run.ts';
import type { Toolbox } from './toolbox.ts';

export interface RunOptions {
  readonly id: string;
  readonly request: CallRequest;
  readonly record: StartRecord;
  readonly journal: Journal;
  readonly toolbox: Toolbox;
  readonly limits: HostLimits;
  readonly incarnation: string;
}

type Ending = 'stopped' | 'timed-out' | 'fenced';

const LONGEST_TIMER_MS = 2_147_483_647;
/** Beyond its grace, how long a tool may leave an abort unanswered before the call goes on without it. */
const LAST_WAIT_MS = 1_000;
const RETRY_WRITE_MS = 1_000;

export class Run {
  /** Settles when the outcome is durable. */
  readonly outcome: Promise<ToolOutcome>;
  readonly #options: RunOptions;
  readonly #log: OutputLog;
  readonly #controller = new AbortController();
  readonly #groups: ProcessIdentity[] = [];
  #ending: Ending | undefined;
  #fencedBy = '';
  #early: Promise<unknown> | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#log = new OutputLog(options.journal.logPath(options.id), options.limits.outputLogBytes);
    this.outcome = this.#run();
  }

  describe(): RunningCall {
    const { id, record } = this.#options;
    return { id, name: record.name, startedAt: record.startedAt, outputBytes: this.#log.bytes };
  }

  /** Ends the tool; the outcome says `stopped`, unless it had ended before. */
  stop(): void {
    this.#end('stopped');
  }

  /** Ends the tool because its host may be taken over; the outcome is unknown, for the reason given. */
  fence(why: string): void {
    this.#fencedBy = why;
    this.#end('fenced');
  }

  async #run(): Promise<ToolOutcome> {
    const { request } = this.#options;
    const timer = setTimeout(() => this.#end('timed-out'), Math.min(request.timeoutMs, LONGEST_TIMER_MS));
    const answer = await Promise.race([this.#runTool(), this.#abandon()]);
    clearTimeout(timer);
    // From here a stop comes too late: the tool has ended, and this is how.
    const ending = this.#ending;
    this.#ending ??= 'stopped';
    let survivors: readonly string[] = [];
    if (ending !== undefined || answer.abandoned === true) {
      await this.#early;
      survivors = await this.#kill();
    }
    await failpoint('tool.ended');
    const outcome = await this.#persist(ending, answer, survivors);
    await failpoint('outcome.durable');
    this.#log.close();
    return outcome;
  }

  async #runTool(): Promise<ToolAnswer> {
    const { id, request, toolbox } = this.#options;
    try {
      const running = toolbox.run({
        id,
        name: request.name,
        input: request.input,
        type: request.type ?? (isBuiltin(request.name) ? 'agent.tool_use' : 'agent.custom_tool_use'),
        log: this.#log,
        signal: this.#controller.signal,
        onGroup: leader => this.#groups.push(leader),
      });
      const [answer] = await Promise.all([running, failpoint('tool.running')]);
      return answer;
    } catch (error) {
      return textAnswer(true, `Error: ${errorText(error)}`);
    }
  }

  #end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#controller.abort();
    // Processes die at once; what runs in a thread may first heed its signal.
    const { id, request, toolbox } = this.#options;
    if (toolbox.isProcess(id, request.name)) this.#early = this.#kill();
  }

  /** A process that cannot be killed must not keep the call open for ever. */
  #abandon(): Promise<ToolAnswer> {
    const { limits } = this.#options;
    return new Promise(resolve => {
      this.#controller.signal.addEventListener('abort', () => {
        const wait = limits.abortGraceMs + limits.killMs + LAST_WAIT_MS;
        setTimeout(() => resolve(textAnswer(true, 'Error: the tool could not be ended')), wait).unref();
      });
    });
  }

  async #kill(): Promise<readonly string[]> {
    const { id, incarnation, limits } = this.#options;
    const marks = [`HOLDFAST_HOST=${incarnation}`, `HOLDFAST_CALL=${callMark(id)}`];
    const { survivors } = await killAll({ marks, groups: this.#groups }, limits.killMs);
    return survivors;
  }

  /** Tries until the disk takes it: an outcome is durable before it is answered (I5), and never lost while we live. */
  async #persist(
    ending: Ending | undefined,
    answer: ToolAnswer,
    survivors: readonly string[],
  ): Promise<ToolOutcome> {
    const finishedAt = Date.now();
    for (;;) {
      try {
        return await this.#record(ending, answer, survivors, finishedAt);
      } catch (error) {
        console.error(`call ${this.#options.id}: its outcome cannot be written: ${String(error)}`);
        await sleep(RETRY_WRITE_MS);
      }
    }
  }

  #record(
    ending: Ending | undefined,
    answer: ToolAnswer,
    survivors: readonly string[],
    finishedAt: number,
  ): Promise<ToolOutcome> {
    const { id, request, record, journal } = this.#options;
    const { startedAt, starts } = record;
    const ended = { startedAt, finishedAt, starts };
    switch (ending) {
      case undefined:
        return journal.recordAnswer(id, { isError: answer.isError, ...ended }, answer.contentJson);
      case 'timed-out': {
        const left = survivors.length === 0 ? '' : `; still running: ${survivors.join(', ')}`;
        const said = lastLines(this.#log.end).join('\n');
        const last = said === '' ? '' : `; its last output: ${said}`;
        const text = `Error: ${request.name} timed out after ${request.timeoutMs} ms and was ended${left}${last}`;
        return journal.recordAnswer(id, { isError: true, ...ended }, textAnswer(true, text).contentJson);
      }
      case 'stopped':
      case 'fenced': {
        const evidence: Evidence = {
          input: record.input,
          startedAt,
          endedAt: finishedAt,
          lastLines: lastLines(this.#log.end),
          ...(answer.exitStatus === undefined ? {} : { exitStatus: answer.exitStatus }),
          survivors,
        };
        const how =
          ending === 'stopped' ? { kind: ending } : ({ kind: 'unknown', reason: this.#fencedBy } as const);
        return journal.recordOutcome(id, { ...how, evidence, ...ended });
      }
    }
  }
}
