/**
 * Keeps what a worker has read for a question in order (docs/decisions.md, "A question reads ahead").
 *
 * A question comes with all of the history there is by then, and what stands behind the last completed workflow task
 * is given to the run at once, at the time of that old task. The task that these events belong to then brings only the
 * rest, so its commands would be made in another order, and at another time, than any replay makes them; recorded like
 * that, no worker could ever go on with the run. So such events wait here for their task. The question is answered from
 * what stood after the last task.
 */
import type { ActivateInput, ConcludeActivationInput, WorkflowInterceptors } from '@temporalio/workflow';

type Activation = ActivateInput['activation'];
type Job = NonNullable<Activation['jobs']>[number];
type Command = ConcludeActivationInput['commands'][number];

const READ_AHEAD = 'this worker had read too much for a question; it reads the run again';

/**
 * A task that brings nothing more is completed by the SDK without asking us, and what waits here would be missed. The
 * server takes no timer of a negative time: it fails that task, and the worker reads the run again.
 */
const TIMER = { seq: 2 ** 31 };
const REFUSED: Command = { startTimer: { ...TIMER, startToFireTimeout: { seconds: -1 as never, nanos: 0 } } };
const NOT_REFUSED: Command = { cancelTimer: TIMER };

/** @returns whether a failed workflow task, by what its event or a log line says, is one that was to fail. */
export function isReadAhead(said: string): boolean {
  return said.includes(READ_AHEAD) || said.includes(`TimerId=${TIMER.seq}`);
}

/** The SDK's id of a question that comes as a task of its own. */
const LONE_QUESTION = 'legacy_query';

export function interceptors(): WorkflowInterceptors {
  let last: { readonly at: string; readonly length: number; readonly replayed: boolean } | undefined;
  let commands = 0;
  let sawTooMuch = false;
  let phase: 'question' | 'ahead' | 'task' = 'task';
  let isArmed = false;
  const waiting: Job[] = [];

  /** Each workflow task has a time of its own. */
  const readsAhead = ({ timestamp, historyLength }: Activation) =>
    last !== undefined && last.at === timeOf(timestamp) && (historyLength ?? 0) > last.length;
  /**
   * Also the end of the last completed task is read for a question: where that task had commanded nothing, the
   * history looks one event longer than it was, and a run may take that for too long (I11).
   */
  const commandsTooMuch = ({ jobs, historyLength }: Activation) =>
    jobs?.[0]?.queryWorkflow?.queryId === LONE_QUESTION &&
    last?.replayed === true &&
    last.length === historyLength &&
    commands > 0;

  return {
    internals: [
      {
        activate(input, next) {
          const { activation, batchIndex } = input;
          const jobs = activation.jobs ?? [];
          if (jobs.every(({ queryWorkflow }) => queryWorkflow)) {
            phase = 'question';
            sawTooMuch ||= commandsTooMuch(activation);
            return next(input);
          }
          if (batchIndex > 0) return phase === 'ahead' ? undefined : next(input);
          if (readsAhead(activation)) {
            phase = 'ahead';
            waiting.push(...jobs);
            return;
          }
          if (sawTooMuch) throw new Error(READ_AHEAD);
          const { timestamp, historyLength, isReplaying } = activation;
          last = { at: timeOf(timestamp), length: historyLength ?? 0, replayed: isReplaying === true };
          phase = 'task';
          if (waiting.length === 0) return next(input);
          next({ ...input, activation: { ...activation, jobs: inOrder([...waiting.splice(0), ...jobs]) } });
        },
        concludeActivation(input, next) {
          const concluded = next(input);
          if (phase === 'question') return concluded;
          commands = concluded.commands.length;
          if (isArmed === (phase === 'ahead')) return concluded;
          isArmed = !isArmed;
          return { ...concluded, commands: [isArmed ? REFUSED : NOT_REFUSED, ...concluded.commands] };
        },
      },
    ],
  };
}

/** As the SDK orders the jobs of one activation: signals and updates as they came, then the rest. */
function inOrder(jobs: readonly Job[]): Job[] {
  const isMessage = (job: Job) => Boolean(job.signalWorkflow ?? job.doUpdate);
  return [...jobs.filter(isMessage), ...jobs.filter(job => !isMessage(job))];
}

function timeOf(time: Activation['timestamp']): string {
  return `${time?.seconds ?? 0}.${time?.nanos ?? 0}`;
}
