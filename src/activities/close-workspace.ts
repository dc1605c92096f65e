import type { Workspace } from '../workflows/run-input.ts';
import type { Hosts } from './hosts.ts';
import { keepAlive } from './keep-alive.ts';
import type { ToolSettings } from './open-workspace.ts';

export interface CloseWorkspaceInput {
  readonly sessionId: string;
  readonly workspace: Workspace;
  /** Whether calls that still run are stopped; else a host with a running call stays. */
  readonly killRunning: boolean;
}

export interface CloseWorkspaceResult {
  readonly notes: readonly string[];
}

export interface CloseWorkspaceDeps {
  readonly hosts: Hosts;
  readonly settings: ToolSettings;
  readonly close: typeof import('../tool-host/launch.ts').closeWorkspace;
}

/** Runs the tools' close hooks once and ends the session's tool host; workspace and journal stay (§4). */
export function createCloseWorkspace({ hosts, settings, close }: CloseWorkspaceDeps) {
  return async function closeWorkspace(input: CloseWorkspaceInput): Promise<CloseWorkspaceResult> {
    return keepAlive(async signal => {
      const { sessionId, workspace, killRunning } = input;
      const report = await close({
        stateDir: settings.stateDir,
        sessionId,
        incarnation: workspace.incarnation,
        killRunning,
        graceMs: 0,
        signal,
      });
      hosts.drop(sessionId);
      switch (report.kind) {
        case 'closed':
          return {
            notes: [
              'closed the tool host',
              ...report.stoppedCalls.map(id => `stopped ${id} for it`),
              ...report.killed.map(what => `killed ${what}`),
              ...report.survivors.map(what => `could not end ${what}`),
              ...report.hookFailures.map(what => `close hook failed: ${what}`),
            ],
          };
        case 'not-running':
          return {
            notes: [
              ...report.killed.map(what => `killed ${what}`),
              ...report.survivors.map(what => `could not end ${what}`),
            ],
          };
        case 'busy':
          return { notes: [`left the tool host: ${report.running.length} calls still run`] };
        case 'host-lost':
          return { notes: [`the tool host was gone: ${report.reason}`] };
        default:
          return report satisfies never;
      }
    });
  };
}
