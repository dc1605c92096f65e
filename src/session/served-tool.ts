/** A tool that this deployment serves, as `describeTools` and `openWorkspace` tell it (no code, no schema). */
import type { Lock } from './locks.ts';

export interface ServedTool {
  readonly name: string;
  /** Milliseconds a call may run before it is stopped and answered "timed out". */
  readonly timeoutMs: number;
  /** Whether a call whose end is unknown may be started again (I4). */
  readonly idempotent: boolean;
  /** What the call takes of the workspace while it runs. */
  readonly locks: readonly Lock[];
}
