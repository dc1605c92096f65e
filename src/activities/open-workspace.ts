import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { failpoint } from '../failpoint.ts';
import type { ServedTool } from '../session/served-tool.ts';
import type { OpenOptions } from '../tool-host/launch.ts';
import type { HostLimits } from '../tool-host/limits.ts';
import { sessionPaths } from '../tool-host/paths.ts';
import type { Keep } from '../tool-host/retention.ts';
import { takeNotes } from '../tool-host/session-notes.ts';
import type { ToolUser } from '../tool-host/tool-user.ts';
import type { Workspace } from '../workflows/run-input.ts';
import { proveCurrent } from './accepted-heartbeat.ts';
import { keepAlive } from './keep-alive.ts';
import type { LastHost } from './last-host.ts';
import { type MountDeps, mount } from './mount.ts';

export interface OpenWorkspaceInput {
  readonly sessionId: string;
  /** The incarnation the history knows; null on the session's first open. */
  readonly expected: string | null;
  /** The run that found no workspace; another than the one that opens it was reset since. */
  readonly lookedUpBy?: string | null;
  /** Sealed: see `Credentialed`. */
  readonly credential?: string;
  /** The run has a work item: skills and memory stores are mounted. */
  readonly mounts?: true;
}

/** The session has a workspace already, which a run that was reset does not know of. */
export interface OpenedBefore {
  readonly openedBefore: LastHost;
}

export interface OpenWorkspaceResult {
  readonly workspace: Workspace;
  readonly tools: readonly ServedTool[];
  readonly moduleHash: string;
  readonly how: 'attached' | 'started' | 'restarted' | 'new';
  /** For the session's record, one sentence each. */
  readonly notes: readonly string[];
}

export interface ToolSettings {
  readonly stateDir: string;
  readonly toolsModule?: string | undefined;
  /** More of the module that is served now; read at each open. */
  readonly served?: OpenOptions['served'];
  readonly toolEnv: Readonly<Record<string, string>>;
  readonly toolCommand?: readonly string[] | undefined;
  /** Whom tools run as; absent: the worker's own user. */
  readonly toolUser?: ToolUser | undefined;
  readonly limits?: Partial<HostLimits> | undefined;
  /** After how many milliseconds without this host its sessions may be taken over by another; 0 never. */
  readonly hostLostMs?: number | undefined;
  /** A tool host silent for so many milliseconds is killed and started again. */
  readonly hungAfterMs?: number | undefined;
  /** Id of the Temporal namespace that sessions run in. */
  readonly namespaceId?: string | undefined;
  /** How long workspaces and journals are kept; absent: for ever. */
  readonly keep?: Keep | undefined;
}

export interface OpenWorkspaceDeps extends MountDeps {
  readonly settings: ToolSettings;
  readonly hostId: string;
  /** Tool hosts that may live on this machine at a time (I11). */
  readonly maxHosts: number;
  readonly launch: typeof import('../tool-host/launch.ts').openWorkspace;
  readonly close: typeof import('../tool-host/launch.ts').closeWorkspace;
  readonly admission: Pick<typeof import('../tool-host/admission.ts'), 'admit' | 'release'>;
  readonly lastHost: (workflowId: string, currentRunId: string) => Promise<LastHost | null>;
}

/**
 * Makes sure that the session's tool host lives: attaches to it, replaces a dead or hung one on its journal, or
 * starts a new incarnation where there is no journal. A full machine throws the retryable `HostFull`.
 */
export function createOpenWorkspace(deps: OpenWorkspaceDeps) {
  const { settings, hostId, maxHosts, launch, close, admission, lastHost } = deps;
  return async function openWorkspace(
    input: OpenWorkspaceInput,
  ): Promise<OpenWorkspaceResult | OpenedBefore> {
    return keepAlive(async signal => {
      const { sessionId, lookedUpBy } = input;
      await failpoint('open.begun', sessionId);
      const { workflowId = sessionId, runId } = activityInfo().workflowExecution ?? {};
      if (typeof lookedUpBy === 'string' && runId !== undefined && lookedUpBy !== runId) {
        const openedBefore = await lastHost(workflowId, runId);
        if (openedBefore !== null) return { openedBefore };
      }
      const { stateDir } = settings;
      const place = await admission.admit({ stateDir, maxHosts, sessionId });
      if (place.kind === 'full') {
        throw ApplicationFailure.create({
          type: 'HostFull',
          message: `waiting for a host: ${hostId} has ${place.live} of ${maxHosts} tool hosts, all with a running call`,
          category: 'BENIGN',
        });
      }
      // A worker that was frozen must not start a host for a run that has gone on without it.
      await proveCurrent(null);
      const opened = await launch({
        ...settings,
        sessionId,
        signal,
        ...(input.expected === null ? {} : { expected: { incarnation: input.expected } }),
      }).finally(() => admission.release({ stateDir, sessionId }));
      const workspace = { host: hostId, incarnation: opened.incarnation, hostLostMs: opened.hostLostMs };
      const { incarnation } = workspace;
      const mounted = !input.mounts
        ? []
        : await mount(deps, sessionId, workspace, signal).catch(async error => {
            // One that has to wait is asked again, and finds its host. After the last try nobody knows of the host.
            if (signal.aborted || isFinal(error)) {
              const closing = { stateDir, sessionId, incarnation, killRunning: false, graceMs: 0 };
              await close(closing).catch(() => undefined);
            }
            throw error;
          });
      const told = await takeNotes(sessionPaths(stateDir, sessionId), activityInfo().attempt > 1);
      await failpoint('open.done', sessionId);
      return {
        workspace,
        tools: opened.tools,
        moduleHash: opened.moduleHash,
        how: opened.how,
        notes: [...told, ...opened.notes, ...mounted],
      };
    });
  };
}

function isFinal(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.nonRetryable === true;
}
