/** What the workflow itself learned or did, folded beside the API's events. */
import type { Decision } from './decision.ts';
import type { ToolOutcome } from './outcome.ts';
import type { ServedTool } from './served-tool.ts';

export type Fact =
  /** A listener has attached and reads the history. */
  | { readonly type: 'listing' }
  /** It has read the history to its end: what was seen may start (§2.1). */
  | { readonly type: 'listed' }
  /** Answer of `describeTools` or `openWorkspace`; judges every unstarted call anew. */
  | { readonly type: 'tools'; readonly tools: readonly ServedTool[] }
  | { readonly type: 'started'; readonly id: string }
  /** It was attached to its running tool again, `times` more; the last time at `at` (Unix ms). */
  | { readonly type: 'reattached'; readonly id: string; readonly times: number; readonly at: number }
  /** `runTool` did not reach a host that knows the call: it may be given to a host again. */
  | { readonly type: 'unstarted'; readonly id: string }
  | { readonly type: 'finished'; readonly id: string; readonly outcome: ToolOutcome }
  | { readonly type: 'posting'; readonly ids: readonly string[] }
  | {
      readonly type: 'delivered';
      readonly id: string;
      readonly how: 'posted' | 'answered-elsewhere' | 'void' | 'refused' | 'alone';
      readonly reason?: string;
      /** `processed_at` of our result. */
      readonly at?: string | null;
    }
  /** A stored outcome is gone with its host. */
  | { readonly type: 'output-lost'; readonly id: string }
  /** The session has a new incarnation: the agent is told with the next result what is gone. */
  | { readonly type: 'moved'; readonly to: 'same-host' | 'other-host' }
  | { readonly type: 'stopping'; readonly ids: readonly string[] }
  | {
      readonly type: 'stop-requested';
      readonly graceMs: number;
      readonly reason: string;
      /** Milliseconds after the grace for what is left to be posted. */
      readonly settleMs?: number;
      /** Owned calls that have not started are answered so: nobody will run them later (§6, Stop). */
      readonly answers?: boolean;
    }
  /** A decision about a held call was accepted: it is posted until the server has a verdict. */
  | { readonly type: 'decided'; readonly id: string; readonly decision: Decision }
  | { readonly type: 'confirming'; readonly id: string }
  /**
   * The API takes no decision about the call. `over`: nothing accepts one any more, so the call is void; else it
   * is held as before. (What the API has taken is folded as its `user.tool_confirmation`.)
   */
  | { readonly type: 'unconfirmed'; readonly id: string; readonly over: boolean; readonly reason: string }
  | { readonly type: 'woken' }
  /** `readTail` saw events after this idle. */
  | { readonly type: 'moved-on'; readonly idleId: string }
  /** The server still waits for a call whose result we believed delivered, and has none. */
  | { readonly type: 'undelivered'; readonly id: string }
  /** The ids of `requires_action` were held against the server; `foreign` are none of our calls (§2.7). */
  | { readonly type: 'rechecked'; readonly idleId: string; readonly foreign: readonly string[] };
