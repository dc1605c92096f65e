/** The activities as a run calls them: each with its row of the table, an id and a summary people can read. */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Call } from '../session/state.ts';
import * as table from './activity-options.ts';
import type { Notice, NoticeWay } from './notice.ts';
import type { Workspace } from './run-input.ts';

export const { openSession } = proxyActivities<Activities>({
  ...table.OPEN_SESSION,
  activityId: 'openSession',
  summary: 'look the session up',
});

export const { describeTools } = proxyActivities<Activities>({
  ...table.DESCRIBE_TOOLS,
  activityId: 'describeTools',
  summary: 'ask which tools are served',
});

export const { readTail } = proxyActivities<Activities>({
  ...table.READ,
  summary: 'is the session still idle?',
});

export const { readCalls } = proxyActivities<Activities>({
  ...table.READ,
  summary: 'read what the server waits for',
});

export const { startedBefore } = proxyActivities<Activities>({
  ...table.READ,
  summary: 'which calls had the run before started?',
});

export const { ackWork } = proxyActivities<Activities>({
  ...table.ACK_WORK,
  summary: 'acknowledge the work item',
});

export const { stopWork } = proxyActivities<Activities>({
  ...table.STOP_WORK,
  summary: 'stop the work item',
});

export const { noticeWays } = proxyActivities<Activities>({
  ...table.NOTIFY,
  activityId: 'noticeWays',
  summary: 'who is to be told?',
});

export function notifyBy(way: NoticeWay, { type, data }: Notice): Activities['notify'] {
  return proxyActivities<Activities>({
    ...table.NOTIFY,
    activityId: way,
    summary: `tell of ${type} in ${data.session}`.slice(0, 120),
  }).notify;
}

export function keepLeaseFor(leaseMs: number, workId: string, count: number): Activities['keepLease'] {
  return proxyActivities<Activities>({
    ...table.keepLeaseOptions(leaseMs),
    activityId: `keepLease/${workId}/${count}`,
    summary: `keep the lease of ${workId}`.slice(0, 120),
  }).keepLease;
}

export function listenFor(leaseMs: number, lease: number): Activities['listen'] {
  return proxyActivities<Activities>({
    ...table.listenOptions(leaseMs),
    activityId: `listen/${lease}`,
    summary: 'listen to the session',
  }).listen;
}

/** @param hostLostMs how long the host may leave it waiting; 0: without limit. */
export function openWorkspaceOn(host: string | null, hostLostMs: number): Activities['openWorkspace'] {
  return proxyActivities<Activities>({
    ...table.openWorkspaceOptions(host, hostLostMs),
    summary: host === null ? 'find a host for the tools' : 'make sure that the tool host lives',
  }).openWorkspace;
}

/** The activity's id is the call's: the UI, `temporal activity` and the journal speak of the same thing. */
export function runToolFor(call: Call, workspace: Workspace): Activities['runTool'] {
  return proxyActivities<Activities>({
    ...table.runToolOptions(workspace, call.timeoutMs ?? 0),
    activityId: call.id,
    summary: call.summary,
  }).runTool;
}

export function stopCallsOn(workspace: Workspace, reason: string): Activities['stopCalls'] {
  return proxyActivities<Activities>({
    ...table.stopCallsOptions(workspace),
    summary: `stop: ${reason}`.slice(0, 120),
  }).stopCalls;
}

export function postResultsFor(calls: readonly Call[]): Activities['postResults'] {
  const summary = calls.length === 1 ? `result of ${calls[0]?.summary}` : `results of ${calls.length} calls`;
  return proxyActivities<Activities>({ ...table.POST, summary: summary.slice(0, 120) }).postResults;
}

export function answerConfirmationOf(call: Call, result: 'allow' | 'deny'): Activities['answerConfirmation'] {
  return proxyActivities<Activities>({
    ...table.POST,
    summary: `${result} ${call.summary}`.slice(0, 120),
  }).answerConfirmation;
}

export function postStoredOn(workspace: Workspace, call: Call): Activities['postStored'] {
  return proxyActivities<Activities>({
    ...table.postStoredOptions(workspace),
    summary: `large result of ${call.summary}`.slice(0, 120),
  }).postStored;
}

export function closeWorkspaceOn(workspace: Workspace): Activities['closeWorkspace'] {
  return proxyActivities<Activities>({
    ...table.closeWorkspaceOptions(workspace.host),
    summary: 'close the tool host',
  }).closeWorkspace;
}
