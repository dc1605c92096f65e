/** Hands a session on to its next run before its history grows too long (I11). */
import {
  allHandlersFinished,
  type CancellationScope,
  condition,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import { packed } from '../session/packed-calls.ts';
import { carried, leftFrom } from '../session/records.ts';
import { FailedRun } from './ending.ts';
import type { Run } from './run.ts';
import type { runSession } from './run-session.ts';

/** The next run goes on where this one stands; running tools are attached again, under the same ids. */
export async function continueAsNew(run: Run, background: CancellationScope): Promise<void> {
  run.rotating = true;
  background.cancel();
  const quiet = () =>
    run.posts === 0 && run.opening === undefined && !run.work.leasing && allHandlersFinished();
  const { drainMs, lastCallsMs = 0 } = run.options;
  if (lastCallsMs > 0)
    await condition(() => run.attached === 0, lastCallsMs, { summary: 'calls that are about to end' });
  await condition(quiet, drainMs, { summary: 'posts under way end before the next run' });
  run.takeInbox();
  if (run.failure !== undefined) throw new FailedRun(run.failure.error);
  const state = carried(run.state);
  const from = leftFrom(run.state, state);
  const readOn = from === undefined ? { cursor: run.cursor } : { cursor: { at: from }, rereads: true };
  const { sessionId, options, workspace, previous, record, title, searchAttributes, lookedUpBy, stuck } = run;
  const work = run.work.carried();
  const next = makeContinueAsNewFunc<typeof runSession>({ workflowTaskTimeout: 5_000, ...upgrade() });
  await next({
    sessionId,
    options,
    carried: {
      ...packed(state),
      epoch: run.epoch + 1,
      startedAt: run.startedAt,
      ...readOn,
      workspace,
      ...(previous === undefined ? {} : { previous }),
      record,
      title,
      searchAttributes,
      lookedUpBy,
      ...(work === undefined ? {} : { work }),
      ...(stuck === undefined ? {} : { stuck }),
      notices: run.notices.carried(),
    },
  });
}

/** A pinned run stays on its build; the next one begins on the build that is current then (docs/upgrades.md). */
function upgrade() {
  const isVersioned = (workflowInfo().currentDeploymentVersion?.deploymentName ?? '') !== '';
  return isVersioned ? ({ initialVersioningBehavior: 'AUTO_UPGRADE' } as const) : {};
}
