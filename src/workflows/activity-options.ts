/**
 * The one table of queues, timeouts and retries (design §5). All times in milliseconds.
 *
 * Timeouts ladder up, so that the innermost one that knows most fires first: bash 120 s < tool 150 s <
 * activity 180 s; a call's own `timeout_ms` raises all three.
 */
import type { ActivityOptions, RetryPolicy } from '@temporalio/common';
import type { Workspace } from './run-input.ts';

export const SESSIONS_QUEUE = 'sessions';
export const LISTENERS_QUEUE = 'listeners';
export const TOOLS_QUEUE = 'tools';

/** Only the host that owns a session's workspace takes its calls. */
export function toolsQueue(host: string): string {
  return `tools@${host}`;
}

/** Its own slots, so that a stop never waits behind the tools that it is to stop. */
export function controlQueue(host: string): string {
  return `control@${host}`;
}

/** How much longer a runTool attempt may last than its tool: the host answers the tool's timeout itself. */
export const ACTIVITY_STEP_MS = 30_000;

/** A worker that is silent for this long is taken for dead (temporal.md §6b). */
export const HEARTBEAT_MS = 3_000;

/**
 * As many listeners as sessions heartbeat, and each heartbeat is a write of the server: 300 of them at 3 s keep a
 * development server busy with nothing else. A dead worker's are failed by a sibling or its successor at once.
 */
export const LISTEN_HEARTBEAT_MS = 10_000;

/** What waits for the API or for a host: without limit while the session lives. */
const PATIENT: RetryPolicy = { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 10_000 };

/** What only attaches: attempts are used up by deploys and frozen workers, not by failures. */
const ATTACHING: RetryPolicy = { initialInterval: 100, backoffCoefficient: 2, maximumInterval: 5_000 };

const FEW: RetryPolicy = { ...PATIENT, maximumAttempts: 5 };

export const OPEN_SESSION: ActivityOptions = {
  taskQueue: SESSIONS_QUEUE,
  startToCloseTimeout: 30_000,
  retry: PATIENT,
};

export const READ: ActivityOptions = {
  taskQueue: SESSIONS_QUEUE,
  startToCloseTimeout: 30_000,
  retry: PATIENT,
};

export const POST: ActivityOptions = {
  taskQueue: SESSIONS_QUEUE,
  startToCloseTimeout: 30_000,
  heartbeatTimeout: HEARTBEAT_MS,
  retry: PATIENT,
};

/** A receiver that is away for a day has missed what happened then. */
export const NOTIFY: ActivityOptions = {
  taskQueue: SESSIONS_QUEUE,
  startToCloseTimeout: 60_000,
  scheduleToCloseTimeout: 86_400_000,
  heartbeatTimeout: HEARTBEAT_MS,
  retry: { initialInterval: 1_000, backoffCoefficient: 2, maximumInterval: 600_000 },
};

export const DESCRIBE_TOOLS: ActivityOptions = {
  taskQueue: TOOLS_QUEUE,
  startToCloseTimeout: 30_000,
  retry: PATIENT,
};

export function listenOptions(leaseMs: number): ActivityOptions {
  return {
    taskQueue: LISTENERS_QUEUE,
    startToCloseTimeout: leaseMs + 60_000,
    heartbeatTimeout: LISTEN_HEARTBEAT_MS,
    retry: PATIENT,
    cancellationType: 'TRY_CANCEL',
  };
}

/** Its answer decides whether the item is ours, so it is not given up while the run lives. */
export const ACK_WORK: ActivityOptions = { ...READ };

/** Once the API cannot be reached for so long, the lease has lapsed anyway. */
export const STOP_WORK: ActivityOptions = { ...READ, scheduleToCloseTimeout: 300_000 };

/** Waited for when it is cancelled, since only it knows where the lease stands: so it must hear of that soon. */
export function keepLeaseOptions(leaseMs: number): ActivityOptions {
  return {
    ...listenOptions(leaseMs),
    heartbeatTimeout: HEARTBEAT_MS,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  };
}

/** A host whose queues nobody has polled for so long is lost (§4); 0: none is ever held for lost. */
function untilLost(hostLostMs = 0): ActivityOptions {
  return hostLostMs > 0 ? { scheduleToStartTimeout: hostLostMs } : {};
}

/** On the host that has the workspace, or on any host while there is none. */
export function openWorkspaceOptions(host: string | null, hostLostMs: number): ActivityOptions {
  return {
    ...(host === null ? {} : untilLost(hostLostMs)),
    taskQueue: host === null ? TOOLS_QUEUE : toolsQueue(host),
    startToCloseTimeout: 120_000,
    heartbeatTimeout: HEARTBEAT_MS,
    retry: PATIENT,
  };
}

/** @param timeoutMs what the tool itself may take. */
export function runToolOptions({ host, hostLostMs }: Workspace, timeoutMs: number): ActivityOptions {
  return {
    ...untilLost(hostLostMs),
    taskQueue: toolsQueue(host),
    startToCloseTimeout: timeoutMs + ACTIVITY_STEP_MS,
    heartbeatTimeout: HEARTBEAT_MS,
    retry: ATTACHING,
    cancellationType: 'ABANDON',
  };
}

export function stopCallsOptions({
  host,
  hostLostMs,
}: Pick<Workspace, 'host' | 'hostLostMs'>): ActivityOptions {
  return {
    ...untilLost(hostLostMs),
    taskQueue: controlQueue(host),
    startToCloseTimeout: 30_000,
    heartbeatTimeout: HEARTBEAT_MS,
    retry: PATIENT,
  };
}

/** A hung host is killed after a minute of silence and started again before its journal can be read. */
export function postStoredOptions(workspace: Workspace): ActivityOptions {
  return { ...stopCallsOptions(workspace), startToCloseTimeout: 180_000 };
}

/** A last sync of memory stores and a flush may take 30 s each. */
const CLOSE_MS = 120_000;

/** A host that is gone must not hold up a session's end: its sweep does the rest (§5). */
export function closeWorkspaceOptions(host: string): ActivityOptions {
  const options = stopCallsOptions({ host });
  return { ...options, startToCloseTimeout: CLOSE_MS, scheduleToStartTimeout: 10_000, retry: FEW };
}
