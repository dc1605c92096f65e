/** What the straightforward program's workflow and activities tell each other. */
import { defineSignal } from '@temporalio/workflow';

export const SESSIONS = 'straightforward';
export const LISTENERS = 'straightforward-listeners';

export interface ToolCall {
  readonly id: string;
  readonly type: 'agent.tool_use' | 'agent.custom_tool_use';
  readonly name: string;
  readonly input: unknown;
}

/** What the listener forwards of a session's events. */
export type Event =
  | { readonly kind: 'call'; readonly call: ToolCall }
  | { readonly kind: 'interrupt'; readonly id: string }
  | { readonly kind: 'running' | 'idle' | 'ended' };

/** Events, and the stamp up to which all is told then. */
export const eventsSignal = defineSignal<[readonly Event[], string | null]>('events');

export interface SessionInput {
  readonly sessionId: string;
  /** So long after its turn ended, the run ends; ms. */
  readonly idleMs: number;
  /** Set by continue-as-new. */
  readonly carried?: Carried;
}

export interface Carried {
  /** Signalled and not handled yet. */
  readonly inbox: readonly Event[];
  /** Ids that the next listener may bring again. */
  readonly seen: readonly string[];
  readonly cursor: string | null;
}

export interface ToolOutcome {
  readonly content: string | readonly unknown[];
  readonly isError: boolean;
}
