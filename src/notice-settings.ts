/** Settings of what people on duty are told, as text: what is not usable is a RangeError that says what to write. */
import { milliseconds } from './duration.ts';

export interface NoticeSettings {
  /** After how long without progress a session counts as stuck; 0: none does. */
  readonly stuckAfterMs: number;
}

export function noticeSettings(get: (name: string) => string | undefined): NoticeSettings {
  return { stuckAfterMs: stuckAfter(get('HOLDFAST_STUCK_AFTER') ?? '5m') };
}

function stuckAfter(text: string): number {
  const ms = milliseconds('HOLDFAST_STUCK_AFTER', text);
  if (ms === 0 || ms >= 1_000) return ms;
  throw new RangeError(`HOLDFAST_STUCK_AFTER is ${text}: write 0 (never) or at least 1s`);
}
