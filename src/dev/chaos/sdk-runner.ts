/** What the process of `--runner sdk` is given. */
export interface SdkRunnerInput {
  readonly apiUrl: string;
  readonly sessionIds: readonly string[];
  readonly folder: string;
  readonly toolsModule: string;
  /** Whether the runner writes a line for each start: the tools are the user's. */
  readonly notesStarts: boolean;
  /** Printed once all sessions are served. */
  readonly readyText: string;
}

/** Below the run's folder. */
export function sdkWorkspace(sessionId: string): string {
  return `workspace-${sessionId}`;
}
