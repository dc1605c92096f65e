/**
 * Every step between two durable facts on a call's way (design §2, §4), by name. A crash at each of them is a
 * test (test/e2e/crash-*.test.ts), and docs/reliability.md holds the table of what comes of it.
 *
 * Pure data, so that workflows, workers and tool hosts may all name them.
 */

export interface FailpointFacts {
  /** The process that reaches it; `workflow`: a worker in the midst of a workflow task. */
  readonly where: 'worker' | 'workflow' | 'tool host';
  /** What is durable when it is reached, and what is not yet. */
  readonly durable: string;
  readonly pending: string;
}

const worker = (durable: string, pending: string) => ({ where: 'worker', durable, pending }) as const;
const workflow = (durable: string, pending: string) => ({ where: 'workflow', durable, pending }) as const;
const toolHost = (durable: string, pending: string) => ({ where: 'tool host', durable, pending }) as const;

/** In the order of a call's way. */
export const FAILPOINTS = {
  // Hearing of it.
  'listen.attached': worker('the stream is open', 'nothing is listed'),
  'listen.page': worker('a page of the history is read', 'nothing of it is signalled'),
  'listen.unreleased': worker('the whole history is read', 'neither it nor its end (`listed`) is signalled'),
  'signal.unsent': worker('the API has the events', 'their signal is not sent'),
  'signal.sent': worker('the signal is in the history', 'the listener does not count it as sent'),
  'lease.ended': worker('the open stream is parked', 'the end of the lease is not reported'),
  'lease.adopted': worker('the next lease has taken the stream over', 'it has signalled nothing'),

  // A workspace for it.
  'open.begun': worker('openWorkspace is scheduled', 'there is no journal and no tool host'),
  'journal.made': worker('the journal and its incarnation', 'no tool host is started on it'),
  'host.unrecorded': toolHost('the tool host serves its socket', 'it is not recorded, nor reported ready'),
  'open.done': worker('the tool host serves', 'the history does not know its incarnation'),

  // Running it.
  'call.unscheduled': workflow('the events are in the history', 'runTool is not scheduled'),
  'run.begun': worker('runTool is scheduled', 'the tool host has not heard of the call'),
  'put.received': toolHost('the tool host has the call', 'nothing of it is in the journal'),
  'call.claimed': toolHost('the call has its folder', 'there is no start marker'),
  'marker.durable': toolHost('the start marker', 'the tool has not started'),
  'tool.running': toolHost('the start marker', 'the tool runs'),
  'tool.ended': toolHost('what the tool did', 'its outcome is in memory only'),
  'content.durable': toolHost('the content of a large outcome', 'the outcome that names it'),
  'outcome.durable': toolHost('the outcome', 'it is not answered'),
  'run.answered': worker('the outcome, and the worker has it', 'the activity is not completed'),

  // Stopping it.
  'stop.begun': worker('stopCalls is scheduled', 'the tool host has not heard of it'),
  'stop.received': toolHost('the tool host has the stop', 'nothing is killed'),
  'stop.killed': toolHost('the tool is dead, its outcome durable', 'the stop is not answered'),
  'stop.answered': worker('the stop is done', 'stopCalls is not completed'),

  // Telling that it was interrupted.
  'report.unrecorded': toolHost('the start marker of a dead tool host', 'the report is not recorded'),
  'report.recorded': toolHost('the report', 'it is not answered'),

  // Posting it.
  'post.unscheduled': workflow('the outcome is in the history', 'its post is not scheduled'),
  'post.unsent': worker('the post is scheduled', 'the request is not sent'),
  'post.accepted': worker('the API has the result', 'its response is not read'),
  'post.done': worker('the API has the result', 'postResults is not completed'),
  'stored.begun': worker('postStored is scheduled', 'the journal is not read'),
  'stored.read': worker('the outcome in the journal is read', 'it is not posted'),

  // The session goes on.
  'continue.unsent': workflow('this run’s history', 'continue-as-new is not sent'),
  'continue.begun': workflow('the next run has started', 'no call is attached again'),
  'workflow.replaying': workflow('the whole history', 'it is replayed, nothing new is scheduled'),
  'orphans.found': worker('the task tokens of a dead worker', 'none of its attempts is failed'),
  'orphans.failed': worker('a dead worker’s attempts are failed', 'its tokens are still on the disk'),

  // It ends.
  'idle.fired': workflow('the idle timer has fired', 'readTail is not scheduled'),
  'tail.unread': worker('readTail is scheduled', 'the API is not asked'),
  'tail.read': worker('the API says whether the session is idle', 'readTail is not completed'),
  'close.begun': worker('closeWorkspace is scheduled', 'the tool host has not heard of it'),
  'close.ended': toolHost('tools and shell have ended', 'the tool host has not answered, nor ended'),
  'close.done': worker('the tool host has ended', 'closeWorkspace is not completed'),
} as const satisfies Readonly<Record<string, FailpointFacts>>;

export type Failpoint = keyof typeof FAILPOINTS;

export const FAILPOINT_NAMES = Object.keys(FAILPOINTS) as readonly Failpoint[];
