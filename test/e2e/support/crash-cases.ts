/**
 * What is tested at each failpoint, and what must come of the call there: the one source for the tests
 * (crash-*.test.ts) and for the table in docs/reliability.md (scripts/failpoint-table.ts).
 */
import type { Failpoint } from '../../../src/failpoints.ts';

export type Victim = 'worker' | 'tool host';

/**
 * What a call comes to. `done`: it ran once and its result is posted once. `unknown`: it may have run, once, and
 * that is what the agent is told. `stopped`: it ran once until it was stopped, and that is what the agent is told.
 */
export type Outcome = 'done' | 'unknown' | 'stopped';

/**
 * How a session comes to a failpoint. `first`: on its first call · `next`: on a call while its tool host lives ·
 * `busy`: the same, with a tool that runs on · `large`: with a result too large for the history · `lease`: with
 * leases of one batch · `stop`: when a user interrupts a running call · `report`: after the tool host of a running
 * call was killed · `rotation`: by growing a long history · `idle`: when the session goes idle.
 */
export type Road = 'first' | 'next' | 'busy' | 'large' | 'lease' | 'stop' | 'report' | 'rotation' | 'idle';

export interface CrashCase {
  /** Undefined: tests of its own, in crash-recovery.test.ts. */
  readonly road?: Road;
  /** Killed there with SIGKILL; a victim is missing where it does not exist yet. */
  readonly victims: Readonly<Partial<Record<Victim, Outcome>>>;
}

const both = (road: Road, host: Outcome = 'done', worker: Outcome = 'done'): CrashCase => ({
  road,
  victims: { worker, 'tool host': host },
});
const noHostYet: CrashCase = { road: 'first', victims: { worker: 'done' } };
const workerAlone: CrashCase = { victims: { worker: 'done' } };

type Cases = Readonly<Partial<Record<Failpoint, CrashCase>>>;

/** crash-hearing.test.ts */
export const HEARING = {
  'listen.attached': noHostYet,
  'listen.page': noHostYet,
  'listen.unreleased': noHostYet,
  'signal.unsent': both('next'),
  'signal.sent': both('next'),
  'lease.ended': both('lease'),
  'lease.adopted': both('lease'),
  'open.begun': noHostYet,
  'journal.made': noHostYet,
  'host.unrecorded': both('first'),
  'open.done': both('first'),
} satisfies Cases;

/** crash-running.test.ts */
export const RUNNING = {
  'call.unscheduled': both('next'),
  'run.begun': both('next'),
  'put.received': both('next'),
  'call.claimed': both('next'),
  // The tool has not run, but the journal cannot tell that from one that has.
  'marker.durable': both('next', 'unknown'),
  'tool.running': both('busy', 'unknown'),
  'tool.ended': both('next', 'unknown'),
  'content.durable': both('large', 'unknown'),
  'outcome.durable': both('next'),
  'run.answered': both('next'),
  'stop.begun': both('stop', 'unknown', 'stopped'),
  'stop.received': both('stop', 'unknown', 'stopped'),
  'stop.killed': both('stop', 'stopped', 'stopped'),
  'stop.answered': both('stop', 'stopped', 'stopped'),
  // The call's first tool host was killed before.
  'report.unrecorded': both('report', 'unknown', 'unknown'),
  'report.recorded': both('report', 'unknown', 'unknown'),
} satisfies Cases;

/** crash-posting.test.ts */
export const POSTING = {
  'post.unscheduled': both('next'),
  'post.unsent': both('next'),
  'post.accepted': both('next'),
  'post.done': both('next'),
  'stored.begun': both('large'),
  'stored.read': both('large'),
  'continue.unsent': both('rotation'),
  'continue.begun': both('rotation'),
  'idle.fired': both('idle'),
  'tail.unread': both('idle'),
  'tail.read': both('idle'),
  'close.begun': both('idle'),
  'close.ended': both('idle'),
  // The tool host has ended by then.
  'close.done': { road: 'idle', victims: { worker: 'done' } },
} satisfies Cases;

/** crash-recovery.test.ts, which names them. */
export const RECOVERY = {
  'workflow.replaying': workerAlone,
  'orphans.found': workerAlone,
  'orphans.failed': workerAlone,
} satisfies Cases;

export const CRASH_CASES: Readonly<Record<Failpoint, CrashCase>> = {
  ...HEARING,
  ...RUNNING,
  ...POSTING,
  ...RECOVERY,
};

/** Where whoever takes over comes to the same point, and is killed there as well (crash-recovery.test.ts). */
export const TWICE: Readonly<Record<Victim, readonly Failpoint[]>> = {
  worker: [
    'listen.attached',
    'open.begun',
    'call.unscheduled',
    'run.begun',
    'run.answered',
    'post.unsent',
    'stored.read',
    'continue.begun',
    'workflow.replaying',
    'tail.read',
    'close.begun',
  ],
  'tool host': [
    // Started again on its journal, killed before anybody knows of it.
    'host.unrecorded',
    // Asked for the call again, killed before it has read its journal.
    'put.received',
    'call.claimed',
    // Killed while it reports on a call that it had not even started.
    'report.unrecorded',
    'stop.received',
  ],
};
