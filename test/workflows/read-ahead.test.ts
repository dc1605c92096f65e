import type { ActivateInput } from '@temporalio/workflow';
import { expect, it } from 'vitest';
import { interceptors, isReadAhead } from '../../src/workflows/read-ahead.ts';

type Activation = ActivateInput['activation'];
type Job = NonNullable<Activation['jobs']>[number];

const signal = (name: string): Job => ({ signalWorkflow: { signalName: name } });
const update = (name: string): Job => ({ doUpdate: { name } });
const resolved = (seq: number): Job => ({ resolveActivity: { seq } });
const question = (queryId = 'legacy_query'): Job => ({ queryWorkflow: { queryId } });
const nameOf = (job: Job): string =>
  job.signalWorkflow?.signalName ??
  job.doUpdate?.name ??
  (job.queryWorkflow ? 'question' : `${job.resolveActivity?.seq}`);

/** A run in a worker's cache: what each activation lets through to it, and what goes to the server. */
function cachedRun() {
  const [internals] = interceptors().internals ?? [];
  return {
    /** @param at the task's time. @param length the history's, as the SDK tells it. */
    gets(at: number, length: number, jobs: Job[], { replaying = false, commands = 0 } = {}) {
      const seen: string[] = [];
      const activation = {
        timestamp: { seconds: at as never, nanos: 0 },
        ...{ historyLength: length, isReplaying: replaying, jobs },
      };
      internals?.activate?.({ activation, batchIndex: 0 }, ({ activation: given }) => {
        seen.push(...(given.jobs ?? []).map(nameOf));
      });
      const own = Array.from({ length: commands }, () => ({ scheduleActivity: {} }));
      const sent = internals?.concludeActivation?.({ commands: own }, given => given).commands ?? [];
      return { seen, sent: sent.map(command => Object.keys(command)[0]) };
    },
  };
}

it('what a question brings before its task waits for it, and comes in the order of a replay', () => {
  const run = cachedRun();
  expect(run.gets(1, 3, [signal('a')], { replaying: true, commands: 1 })).toEqual({
    seen: ['a'],
    sent: ['scheduleActivity'],
  });
  expect(run.gets(1, 8, [signal('b'), resolved(1)])).toEqual({ seen: [], sent: ['startTimer'] });
  expect(run.gets(1, 8, [question()]).seen).toEqual(['question']);
  expect(run.gets(1, 9, [signal('c')])).toEqual({ seen: [], sent: [] });
  expect(run.gets(1, 9, [question()]).seen).toEqual(['question']);
  expect(run.gets(2, 12, [signal('d'), update('e'), resolved(2)], { commands: 1 })).toEqual({
    seen: ['b', 'c', 'd', 'e', '1', '2'],
    sent: ['cancelTimer', 'scheduleActivity'],
  });
  expect(run.gets(3, 16, [signal('f')])).toEqual({ seen: ['f'], sent: [] });
});

it('a task that has several turns goes on, and so does a run that was asked in between', () => {
  const run = cachedRun();
  run.gets(1, 3, [signal('a')], { commands: 2 });
  expect(run.gets(1, 3, [resolved(1)]).seen).toEqual(['1']);
  expect(run.gets(1, 3, [question('q1')]).seen).toEqual(['question']);
  run.gets(1, 3, [question()]);
  expect(run.gets(2, 9, [signal('b')])).toEqual({ seen: ['b'], sent: [] });
});

it('a run that commanded for a question what its history does not have is read again', () => {
  const run = cachedRun();
  run.gets(1, 79, [signal('a')], { replaying: true, commands: 1 });
  run.gets(2, 84, [signal('b')], { replaying: true, commands: 1 });
  expect(run.gets(2, 84, [question()]).seen).toEqual(['question']);
  const next = () => run.gets(3, 88, [signal('c')]);
  expect(next).toThrow();
  expect(next).toThrow(expect.objectContaining({ message: expect.toSatisfy(isReadAhead) }));
});

it('a question about a run that was read for it, and commanded no more than its history has, costs nothing', () => {
  const run = cachedRun();
  run.gets(1, 79, [signal('a')], { replaying: true, commands: 1 });
  // Behind the last task stand the commands that it gave.
  run.gets(1, 81, [question()]);
  expect(run.gets(2, 85, [signal('b')]).seen).toEqual(['b']);
  run.gets(3, 89, [signal('c')], { replaying: true, commands: 0 });
  run.gets(3, 89, [question()]);
  expect(run.gets(4, 93, [signal('d')]).seen).toEqual(['d']);
});
