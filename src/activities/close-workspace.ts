import { failpoint } from '../failpoint.ts';
import type { CloseReport } from '../tool-host/launch.ts';
import type { Workspace } from '../workflows/run-input.ts';
import { keepAlive } from './keep-alive.ts';
import { type MountDeps, renewToken } from './mount.ts';
import type { ToolSettings } from './open-workspace.ts';

export interface CloseWorkspaceInput {
  readonly sessionId: string;
  readonly workspace: Workspace;
  /** Whether calls that still run are stopped; else a host with a running call stays. */
  readonly killRunning: boolean;
  /** The session has ended for good: terminated, deleted or archived. */
  readonly sessionEnded?: boolean;
  /** Sealed: see `Credentialed`. */
  readonly credential?: string;
}

export interface CloseWorkspaceResult {
  readonly notes: readonly string[];
}

export interface CloseWorkspaceDeps extends Pick<MountDeps, 'hosts' | 'mounts'> {
  readonly settings: ToolSettings;
  readonly close: typeof import('../tool-host/launch.ts').closeWorkspace;
  readonly remove: typeof import('../tool-host/remove-workspace.ts').removeWorkspace;
}

/**
 * Runs the tools' close hooks once and ends the session's tool host. Workspace and journal stay (§4), unless
 * the session has ended and `HOLDFAST_KEEP` says that they go with it.
 */
export function createCloseWorkspace({ hosts, mounts, settings, close, remove }: CloseWorkspaceDeps) {
  return async function closeWorkspace(input: CloseWorkspaceInput): Promise<CloseWorkspaceResult> {
    return keepAlive(async signal => {
      const { sessionId, workspace, killRunning } = input;
      const { stateDir, keep } = settings;
      await failpoint('close.begun', sessionId);
      await renewToken({ hosts, mounts }, sessionId, workspace, signal);
      const { incarnation } = workspace;
      const report = await close({ stateDir, sessionId, incarnation, killRunning, graceMs: 0, signal });
      hosts.drop(sessionId);
      await failpoint('close.done', sessionId);
      const notes = notesOf(report);
      if (input.sessionEnded !== true || keep?.untilEnd !== true || report.kind === 'busy') return { notes };
      const why = 'the session has ended (HOLDFAST_KEEP=end)';
      const removed = await remove({ stateDir, sessionId, why });
      return { notes: removed ? [...notes, `removed the workspace and its journal: ${why}`] : notes };
    });
  };
}

function notesOf(report: CloseReport): string[] {
  switch (report.kind) {
    case 'closed':
      return [
        'closed the tool host',
        ...report.stoppedCalls.map(id => `stopped ${id} for it`),
        ...report.killed.map(what => `killed ${what}`),
        ...report.survivors.map(what => `could not end ${what}`),
        ...report.hookFailures.map(what => `close hook failed: ${what}`),
        ...(report.mountFailures ?? []).map(what => `last sync of the memory stores: ${what}`),
      ];
    case 'not-running':
      return [
        ...report.killed.map(what => `killed ${what}`),
        ...report.survivors.map(what => `could not end ${what}`),
      ];
    case 'busy':
      return [`left the tool host: ${report.running.length} calls still run`];
    case 'host-lost':
      return [`the tool host was gone: ${report.reason}`];
    default:
      return report satisfies never;
  }
}
