/** All activities, composed over what they need; the workflow imports only the type. */
import type { OwnResults } from '../anthropic/own-results.ts';
import type { SessionFeed } from '../anthropic/session-feed.ts';
import type { WorkQueue } from '../anthropic/work-queue.ts';
import { admit, release } from '../tool-host/admission.ts';
import { closeWorkspace, openWorkspace } from '../tool-host/launch.ts';
import { sessionPaths } from '../tool-host/paths.ts';
import { removeWorkspace } from '../tool-host/remove-workspace.ts';
import { markDelivered } from '../tool-host/trim-journal.ts';
import { createAnswerConfirmation } from './answer-confirmation.ts';
import type { Attempts } from './attempts.ts';
import type { createBatchSignal } from './batch-signal.ts';
import { createCloseWorkspace } from './close-workspace.ts';
import { createDescribeTools, type DescribeToolsResult } from './describe-tools.ts';
import { createHosts } from './hosts.ts';
import { createKeepLease } from './keep-lease.ts';
import type { createLastHostLookup } from './last-host.ts';
import { createListen } from './listen.ts';
import type { MountSettings } from './mount.ts';
import { createNoticeWays, createNotify, type NotifyDeps, waysOf } from './notify.ts';
import { createOpenSession } from './open-session.ts';
import { createOpenWorkspace, type ToolSettings } from './open-workspace.ts';
import type { ParkedStreams } from './parked-streams.ts';
import { createPostResults } from './post-results.ts';
import { createPostStored } from './post-stored.ts';
import { createReadCalls } from './read-calls.ts';
import { createReadTail } from './read-tail.ts';
import { createRunTool } from './run-tool.ts';
import { startedBefore } from './started-before.ts';
import { createStopCalls } from './stop-calls.ts';
import { createAckWork, createStopWork } from './work.ts';

export interface SessionDeps {
  readonly feed: SessionFeed;
  readonly ownResults: OwnResults;
  readonly parked: ParkedStreams;
  readonly attempts: Attempts;
  readonly workQueue: WorkQueue;
  /** Writes a warning. */
  readonly log: (line: string) => void;
  readonly signal: ReturnType<typeof createBatchSignal>;
  readonly lastHost: ReturnType<typeof createLastHostLookup>;
  /** Whether the server knows our search attributes; without them runs go on and show less. */
  readonly searchAttributes: boolean;
  readonly notify: NotifyDeps;
}

/** What speaks to the API for sessions: role `sessions`. */
export function createSessionActivities(deps: SessionDeps) {
  const { noted } = deps.attempts;
  const openSession = createOpenSession(deps);
  return {
    openSession: noted(async (input: { readonly sessionId: string }) => ({
      ...(await openSession(input)),
      searchAttributes: deps.searchAttributes,
      notifies: waysOf(deps.notify).length > 0,
    })),
    readTail: noted(createReadTail(deps)),
    readCalls: noted(createReadCalls(deps)),
    startedBefore: noted(startedBefore),
    postResults: noted(createPostResults(deps)),
    ackWork: noted(createAckWork(deps)),
    stopWork: noted(createStopWork(deps)),
    answerConfirmation: noted(createAnswerConfirmation({ feed: deps.feed })),
    noticeWays: createNoticeWays(deps.notify),
    notify: noted(createNotify(deps.notify)),
  };
}

/** What holds the streams open: role `listeners`. */
export function createListenerActivities(deps: SessionDeps) {
  const { noted } = deps.attempts;
  return { listen: noted(createListen(deps)), keepLease: noted(createKeepLease(deps)) };
}

export interface ToolDeps extends Pick<SessionDeps, 'feed' | 'ownResults' | 'attempts' | 'lastHost'> {
  readonly settings: ToolSettings;
  readonly mounts: MountSettings;
  readonly hostId: string;
  readonly maxHosts: number;
  readonly described: DescribeToolsResult;
}

/** What owns processes on this host: role `tools`, on three queues. */
export function createToolActivities(deps: ToolDeps) {
  const { feed, settings, mounts } = deps;
  const { noted } = deps.attempts;
  const hosts = createHosts(settings.stateDir, settings.hungAfterMs);
  const opener = createOpenWorkspace({
    ...deps,
    hosts,
    launch: openWorkspace,
    close: closeWorkspace,
    admission: { admit, release },
  });
  return {
    any: { describeTools: createDescribeTools(deps.described), openWorkspace: noted(opener) },
    host: {
      openWorkspace: noted(opener),
      runTool: noted(createRunTool({ hosts, feed })),
    },
    control: {
      stopCalls: noted(createStopCalls({ hosts })),
      postStored: noted(
        createPostStored({
          ...deps,
          hosts,
          reopen: (sessionId, incarnation, signal) =>
            openWorkspace({ ...settings, sessionId, expected: { incarnation }, signal }),
          onDelivered: (sessionId, callId) =>
            markDelivered(sessionPaths(settings.stateDir, sessionId).journal, callId),
        }),
      ),
      closeWorkspace: noted(
        createCloseWorkspace({ hosts, mounts, settings, close: closeWorkspace, remove: removeWorkspace }),
      ),
    },
    /** Lets go of connections to hosts that have ended without us. */
    forgetAllBut: hosts.keepOnly,
    close: () => hosts.drop(),
  };
}

export type Activities = ReturnType<typeof createSessionActivities> &
  ReturnType<typeof createListenerActivities> &
  ReturnType<typeof createToolActivities>['any'] &
  ReturnType<typeof createToolActivities>['host'] &
  ReturnType<typeof createToolActivities>['control'];
