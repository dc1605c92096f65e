/** Decides event by event what a listener forwards to the workflow, and how soon. */
import type { OwnResults } from '../anthropic/own-results.ts';
import type { SessionEvent } from '../session/events.ts';
import { createKnownIds } from './known-ids.ts';

export type Admission =
  | { readonly kind: 'dropped' }
  /** `lazy`: not worth waking the workflow for; it travels with the next event that is. */
  | { readonly kind: 'forwarded'; readonly lazy: boolean }
  /** An echo whose POST is still on its way: dropped once the server accepted ours, else forwarded. */
  | { readonly kind: 'held'; readonly settled: Promise<boolean> };

export interface EventFilter {
  admit(event: SessionEvent): Admission;
  /** Marks an event as seen and, when it is forwarded with the history, as forwarded. */
  note(event: SessionEvent, forwarded: boolean): void;
  /**
   * Tells that the whole history up to `stamp` was listed: what comes later with a stamp well before it is a
   * late duplicate. The answers of a history are not forwarded, so its calls must not come back to life.
   */
  listedAll(stamp: string | null): void;
  /** The ids of all that was admitted or noted of late. */
  seen(): string[];
}

export interface EventFilterOptions {
  readonly sessionId: string;
  readonly ownResults: OwnResults;
  readonly known: readonly string[];
  /** The cursor that `known` belongs to. */
  readonly cursor: string | null;
  readonly overlapMs: number;
}

const OPEN_CALLS = 5_000;

export function createEventFilter(options: EventFilterOptions): EventFilter {
  const known = createKnownIds(options.known, Date.parse(options.cursor ?? '') || 0, options.overlapMs);
  /** Calls forwarded by this listener and not seen answered since. */
  const open = new Set<string>();
  let floor = 0;
  /** Only the first thread status tells something: the name of the primary thread. */
  let primaryNamed = false;

  function follow(event: SessionEvent): void {
    switch (event.type) {
      case 'agent.tool_use':
      case 'agent.custom_tool_use':
        open.add(event.id);
        for (const oldest of open) {
          if (open.size <= OPEN_CALLS) break;
          open.delete(oldest);
        }
        return;
      case 'agent.tool_result':
      case 'user.tool_result':
      case 'user.custom_tool_result':
        open.delete(event.tool_use_id);
        return;
      default:
        return;
    }
  }

  function isLazy(event: SessionEvent): boolean {
    switch (event.type) {
      case 'session.status_running':
      case 'session.status_rescheduled':
      case 'session.thread_status_running':
        return true;
      case 'session.status_idle':
        // It repeats what the workflow knows: these calls are open. Any other id it must hold against its
        // state at once (§2.7).
        return (
          event.stop_reason === 'requires_action' &&
          event.event_ids.length > 0 &&
          event.event_ids.every(id => open.has(id))
        );
      default:
        return false;
    }
  }

  return {
    admit(event) {
      if (Date.parse(event.processed_at ?? '') < floor || !known.add(event)) return { kind: 'dropped' };
      if (event.type === 'session.thread_status_running') {
        if (primaryNamed) return { kind: 'dropped' };
        primaryNamed = true;
      }
      const lazy = isLazy(event);
      follow(event);
      if (event.type !== 'user.tool_result' && event.type !== 'user.custom_tool_result')
        return { kind: 'forwarded', lazy };
      const look = options.ownResults.look(options.sessionId, event.tool_use_id);
      if (look.kind === 'accepted') return { kind: 'dropped' };
      if (look.kind === 'posting') return { kind: 'held', settled: look.settled };
      return { kind: 'forwarded', lazy };
    },
    note(event, forwarded) {
      known.add(event);
      if (event.type === 'session.thread_status_running') primaryNamed = true;
      if (forwarded) follow(event);
    },
    listedAll(stamp) {
      floor = (Date.parse(stamp ?? '') || 0) - options.overlapMs;
    },
    seen: known.all,
  };
}
