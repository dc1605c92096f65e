import { ApplicationFailure } from '@temporalio/common';
import type { ServedTool } from '../session/served-tool.ts';
import type { HostLimits } from '../tool-host/limits.ts';
import type { Workspace } from '../workflows/run-input.ts';
import { keepAlive } from './keep-alive.ts';

export interface OpenWorkspaceInput {
  readonly sessionId: string;
  /** The incarnation the history knows; null on the session's first open. */
  readonly expected: string | null;
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
  readonly toolEnv: Readonly<Record<string, string>>;
  readonly toolCommand?: readonly string[] | undefined;
  readonly limits?: Partial<HostLimits> | undefined;
}

export interface OpenWorkspaceDeps {
  readonly settings: ToolSettings;
  readonly hostId: string;
  /** Tool hosts that may live on this machine at a time (I11). */
  readonly maxHosts: number;
  readonly launch: typeof import('../tool-host/launch.ts').openWorkspace;
  readonly admit: typeof import('../tool-host/admission.ts').admit;
}

/**
 * Makes sure that the session's tool host lives: attaches to it, replaces a dead or hung one on its journal, or
 * starts a new incarnation where there is no journal. A full machine throws the retryable `HostFull`.
 */
export function createOpenWorkspace({ settings, hostId, maxHosts, launch, admit }: OpenWorkspaceDeps) {
  return async function openWorkspace(input: OpenWorkspaceInput): Promise<OpenWorkspaceResult> {
    return keepAlive(async signal => {
      const { sessionId } = input;
      const admission = await admit({ stateDir: settings.stateDir, maxHosts, sessionId });
      if (admission.kind === 'full') {
        throw ApplicationFailure.create({
          type: 'HostFull',
          message: `waiting for a host: ${hostId} has ${admission.live} of ${maxHosts} tool hosts, all with a running call`,
          category: 'BENIGN',
        });
      }
      const opened = await launch({
        ...settings,
        sessionId,
        signal,
        ...(input.expected === null ? {} : { expected: { incarnation: input.expected } }),
      });
      return {
        workspace: { host: hostId, incarnation: opened.incarnation },
        tools: opened.tools,
        moduleHash: opened.moduleHash,
        how: opened.how,
        notes: opened.notes,
      };
    });
  };
}
