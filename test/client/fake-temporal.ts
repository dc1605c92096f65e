/** Temporal as a client meets it, in memory: runs that continue each other, real folds, real queries. */
import {
  type Client,
  WorkflowContinuedAsNewError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { SessionState } from '../../src/session/state.ts';
import type { CallsAfter } from '../../src/workflows/messages.ts';
import { Run } from '../../src/workflows/run.ts';
import { callsAfter, resultOf } from '../../src/workflows/visible.ts';

type End =
  | { readonly kind: 'continued'; readonly next: string }
  | { readonly kind: 'done' }
  /** By hand: without a result. */
  | { readonly kind: 'terminated' };

class FakeRun {
  readonly run: Run;
  readonly before: string | undefined;
  /** Temporal knows it no more. */
  forgotten = false;
  isOver = false;
  readonly ended: Promise<End>;
  end: (end: End) => void = () => {};

  constructor(state: SessionState, before?: string) {
    this.run = new Run({ sessionId: state.sessionId });
    this.run.state = state;
    this.before = before;
    this.ended = new Promise(resolve => {
      this.end = end => {
        this.isOver = true;
        resolve(end);
      };
    });
  }
}

export class FakeTemporal {
  readonly runs = new Map<string, FakeRun>();
  /** What queries fail with. */
  away: Error | undefined;
  queries = 0;
  described = 0;

  add(runId: string, state: SessionState, before?: string): FakeRun {
    const made = new FakeRun(state, before);
    this.runs.set(runId, made);
    return made;
  }

  get client(): Client {
    const fake = {
      options: { namespace: 'default' },
      withDeadline: <T>(_: number, request: () => Promise<T>) => request(),
      withAbortSignal: <T>(signal: AbortSignal, request: () => Promise<T>) =>
        Promise.race([request(), aborted(signal)]),
      workflow: { getHandle: (id: string, runId: string) => this.#handle(id, runId) },
      connection: { workflowService: { getWorkflowExecutionHistory: this.#firstEvent } },
    };
    return fake as unknown as Client;
  }

  #handle(id: string, runId: string) {
    const found = () => {
      const run = this.runs.get(runId);
      if (run === undefined || run.forgotten) throw new WorkflowNotFoundError('not found', id, runId);
      return run;
    };
    return {
      query: async (_: unknown, asked: CallsAfter) => {
        this.queries++;
        if (this.away !== undefined) throw this.away;
        return JSON.parse(JSON.stringify(callsAfter(found().run, asked)));
      },
      describe: async () => {
        this.described++;
        return {
          runId,
          historyLength: Object.keys(found().run.state.calls).length,
          status: { name: found().isOver ? 'COMPLETED' : 'RUNNING' },
          raw: { workflowExecutionInfo: { firstRunId: this.#first(runId) } },
        };
      },
      result: async () => {
        const { ended, run } = found();
        const end = await ended;
        if (end.kind === 'continued') throw new WorkflowContinuedAsNewError('continued', end.next);
        if (end.kind === 'terminated')
          throw new WorkflowFailedError('terminated', new Error('by hand'), 'RETRY_POLICY_NOT_SET');
        return JSON.parse(JSON.stringify(resultOf(run, 'done', 'idle')));
      },
    };
  }

  #first(runId: string): string {
    const before = this.runs.get(runId)?.before;
    return before === undefined ? runId : this.#first(before);
  }

  readonly #firstEvent = async ({ execution }: { execution: { runId: string } }) => {
    const run = this.runs.get(execution.runId);
    if (run === undefined || run.forgotten) throw Object.assign(new Error('not found'), GRPC_NOT_FOUND);
    const attributes = { continuedExecutionRunId: run.before ?? '' };
    return { history: { events: [{ workflowExecutionStartedEventAttributes: attributes }] } };
  };
}

const GRPC_NOT_FOUND = { code: 5, details: 'not found', metadata: {} };

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
