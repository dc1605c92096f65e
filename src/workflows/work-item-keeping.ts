/** What a run does for its work item: takes it, acknowledges it, keeps its lease, and lets go of it at its end. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { LeaseEnd, LeaseProgress } from '../activities/keep-lease.ts';
import { countOpen } from '../session/active-calls.ts';
import { ackWork, keepLeaseFor, stopWork } from './activities.ts';
import { type Adoption, MOUNT_FAILED, RUN_ENDS, type WorkItem } from './messages.ts';
import type { Run } from './run.ts';
import { waitedFor } from './stuck.ts';
import type { HeldWork, LeaseOver } from './work-item.ts';

/** Milliseconds that a stop takes with a work item: the control plane does not wait longer (§6, Stop). */
const STOP_MS = 30_000;
/** What of that running calls may take, so that there is time to post what they come to. */
const STOP_GRACE_MS = 20_000;

/** How long a run that has lost its item tries to post what its calls came to. */
const LOST_SETTLE_MS = 10_000;

/** Nothing is owned by a run that is about to end. */
export function refuseWork(run: Run, item: WorkItem): void {
  const { environmentId, workId, claim } = item ?? {};
  for (const [name, value] of Object.entries({ environmentId, workId, claim }))
    if (typeof value !== 'string' || value === '') throw new Error(`adoptWork needs ${name}`);
  const { state, ending, over, failure } = run;
  if (state.stop === undefined && state.ended === undefined && (ending ?? over ?? failure) === undefined)
    return;
  throw ApplicationFailure.create({
    type: RUN_ENDS,
    message: 'the run is about to end; the next one takes it',
  });
}

/** @returns when the item is acknowledged, or is not ours. */
export async function adoptWork(run: Run, item: WorkItem): Promise<Adoption> {
  const before = run.work.held;
  const held = run.work.take(item);
  if (held !== before) run.note(`work item ${item.workId} of ${item.environmentId} taken on`);
  run.touch();
  await condition(() => held.acked || held.over !== undefined || run.work.held !== held);
  if (held.over !== undefined) return { kind: 'dropped', reason: held.over.reason };
  return { kind: 'adopted' };
}

/** A run that was started for a work item waits for its ack. @returns whether it may begin. */
export async function mayBegin(run: Run): Promise<boolean> {
  if (run.work.startedFor === undefined) return true;
  await condition(() => run.work.held?.acked === true || run.state.stop !== undefined);
  return run.state.stop === undefined;
}

/** Acknowledges each item that the run takes on, and keeps its lease; ends with its scope. */
export async function keepWork(run: Run): Promise<void> {
  const { work } = run;
  const background = CancellationScope.current();
  try {
    while (!background.consideredCancelled) {
      await condition(() => work.toKeep !== undefined && !run.rotating);
      const held = work.toKeep;
      if (held === undefined) continue;
      const scope = new CancellationScope();
      work.scope = scope;
      // A newer item cancels the older one's.
      await scope.run(() => keep(run, held)).catch(unlessCancelled);
    }
  } catch (error) {
    if (!isCancellation(error)) run.fail(error);
  }
}

function unlessCancelled(error: unknown): void {
  if (!isCancellation(error)) throw error;
}

/** Ends when the lease is over, or when its scope is cancelled: then `held` says where it stands. */
async function keep(run: Run, held: HeldWork): Promise<void> {
  const { work } = run;
  const scope = CancellationScope.current();
  const isOurs = () => work.toKeep === held && !scope.consideredCancelled;
  if (!held.acked) await acknowledge(run, held);
  while (isOurs() && !run.rotating) {
    const { leaseMs } = run.options;
    const { item, lease: from, again } = held;
    const { environmentId, workId, lastHeartbeat } = item;
    const expected = lastHeartbeat === undefined ? {} : { expected: lastHeartbeat };
    const input = { ...run.session, environmentId, workId, from, ...expected, again, leaseMs };
    work.leasing = true;
    try {
      const end = await leaseEnd(keepLeaseFor(leaseMs, workId, ++work.leases)(input), from);
      if (end.kind === 'lease-ended') held.lease = end.progress;
      else if (isOurs()) leaseOver(run, held, end);
    } finally {
      work.leasing = false;
    }
  }
}

async function acknowledge(run: Run, held: HeldWork): Promise<void> {
  const { environmentId, workId } = held.item;
  const sentBefore = held.ackSent;
  held.ackSent = true;
  const asked = ackWork({ sessionId: run.sessionId, environmentId, workId, sentBefore });
  const answer = await waitedFor(run, 'the acknowledgement of its work item', asked);
  held.acked = answer.kind !== 'refused';
  if (answer.kind !== 'refused') return;
  held.over = { kind: 'unacknowledged', reason: answer.reason };
  run.note(`work item ${workId} could not be acknowledged: ${answer.reason}`);
  if (run.work.held !== held) return;
  const reason = `the work item was not acknowledged: ${answer.reason}`;
  if (run.work.startedFor === workId) run.fold({ type: 'stop-requested', graceMs: 0, reason });
  else run.work.held = undefined;
}

/** A cancelled lease comes back with where it stands, also where its worker has died meanwhile. */
async function leaseEnd(lease: Promise<LeaseEnd>, from: LeaseProgress | null): Promise<LeaseEnd> {
  try {
    return await lease;
  } catch (error) {
    const scope = CancellationScope.current();
    if (!scope.consideredCancelled) throw error;
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    const told =
      cause instanceof TimeoutFailure ? (cause.lastHeartbeatDetails as LeaseProgress | null) : null;
    const progress = told ?? from;
    if (progress === null) throw error;
    return { kind: 'lease-ended', progress: { ...progress, unclear: true } };
  }
}

function leaseOver(run: Run, held: HeldWork, end: LeaseOver): void {
  const { kind, reason } = end;
  held.over = { kind, reason };
  const { workId } = held.item;
  switch (kind) {
    case 'lost':
      run.note(`the lease of work item ${workId} is lost: ${reason}`);
      // I10. Whoever has the item now runs what has not started; what did run is told if it still can be.
      run.fold({
        type: 'stop-requested',
        graceMs: 0,
        settleMs: LOST_SETTLE_MS,
        reason: `the lease of the work item was lost: ${reason}`,
      });
      return;
    case 'rejected':
      run.note(`the API refuses heartbeats of work item ${workId}: ${reason}`);
      requestStop(run, 0, `the work item was refused: ${reason}`);
      return;
    case 'stopping':
      run.note(`work item ${workId} is to end: ${reason}`);
      requestStop(run, STOP_GRACE_MS, `the work item was stopped: ${reason}`);
      return;
    default:
      kind satisfies 'unacknowledged';
  }
}

/**
 * The item fails where a store cannot be mounted: its open calls are answered that they were not started.
 *
 * @throws every other error.
 */
export function failItem(run: Run, error: unknown): void {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure) || cause.type !== MOUNT_FAILED) throw error;
  run.note(`the work item fails: ${cause.message}`);
  if (run.state.stop === undefined) requestStop(run, 0, `the work item failed: ${cause.message}`);
}

/** A stop; with a work item it is over within `STOP_MS`, and what has not started is answered so (§6). */
export function requestStop(run: Run, graceMs: number, reason: string): void {
  const { held } = run.work;
  if (held === undefined || held.over?.kind === 'lost') {
    run.fold({ type: 'stop-requested', graceMs, reason });
    return;
  }
  const grace = Math.min(graceMs, STOP_GRACE_MS);
  run.fold({ type: 'stop-requested', graceMs: grace, settleMs: STOP_MS - grace, reason, answers: true });
}

/**
 * At the run's end: force-stops the item, unless it belongs to somebody else or an owned call is still open (I10:
 * then its lease lapses, and the queue offers it again). Never throws.
 */
export async function letGoOfWork(run: Run): Promise<void> {
  const { work } = run;
  const { held } = work;
  if (held === undefined) return;
  await CancellationScope.nonCancellable(async () => {
    held.letGo = true;
    work.scope?.cancel();
    const { workId } = held.item;
    const open = openCalls(run);
    if (held.over?.kind === 'lost') run.note(`work item ${workId} is released, not stopped: it is lost`);
    else if (open > 0) run.note(`work item ${workId} is released, not stopped: ${open} calls are open`);
    else await Promise.all([held.item, ...work.replaced].map(item => stop(run, item)));
    if (work.held === held) work.held = undefined;
    work.replaced = [];
  });
}

/** Calls of ours that the session waits for; a dead session waits for none. */
function openCalls({ state }: Run): number {
  if (state.ended !== undefined) return 0;
  return countOpen(state);
}

/** With its own token: one of another item is refused. */
async function stop(run: Run, { environmentId, workId, sealedToken }: WorkItem): Promise<void> {
  try {
    const credential = sealedToken === undefined ? {} : { credential: sealedToken };
    const answer = await stopWork({ sessionId: run.sessionId, ...credential, environmentId, workId });
    const words = { stopped: 'stopped', 'already-stopped': 'stopped already', refused: 'not stopped' };
    run.note(
      `work item ${workId}: ${words[answer.kind]}${answer.kind === 'refused' ? `: ${answer.reason}` : ''}`,
    );
  } catch (error) {
    run.note(`work item ${workId} could not be stopped, its lease lapses: ${told(error)}`);
  }
}

function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
