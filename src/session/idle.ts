/** When a session counts as idle (§6; behaviours.md 5–7, 21–29, 45–53). */
import { type Call, pendingCalls, type SessionState } from './state.ts';

export interface IdleWindow {
  readonly idleId: string;
  /** `processed_at` of the idle event, from which `readTail` reads. */
  readonly since: string | null;
  /** Changes whenever a full window starts anew: another idle, a settled call, a wake. */
  readonly key: string;
}

/**
 * The window that runs now, if one does: the newest event that is not neutral is an idle that ended the turn
 * (every stop reason but `requires_action`, unknown ones too, I7), and no call, owned or not, is unanswered.
 */
export function idleWindow(state: SessionState): IdleWindow | undefined {
  const turn = state.turn;
  if (turn?.stopReason === undefined || turn.stopReason === 'requires_action' || turn.passed)
    return undefined;
  if (!state.listed || state.ended !== undefined || state.stop !== undefined) return undefined;
  if (state.loudest.stamp !== turn.order.stamp || state.loudest.seq !== turn.order.seq) return undefined;
  if (pendingCalls(state).some(isOnTheWay)) return undefined;
  return { idleId: turn.id, since: turn.processedAt, key: `${turn.id} ${state.windows}` };
}

/** Unanswered, or with a post under way that tells whose answer it was that we saw (I8). */
function isOnTheWay(call: Call): boolean {
  return call.answered !== true || call.phase.kind === 'finished';
}
