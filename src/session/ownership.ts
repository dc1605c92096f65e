/** Which calls are ours (I6): those whose name a tool of this deployment has, whatever their kind. */
import { type Draft, update } from './draft.ts';
import { locksOf } from './locks.ts';
import type { ServedTool } from './served-tool.ts';
import type { Call } from './state.ts';

/**
 * Judges a call that has not started against the tools; called again whenever they change, both ways. One that
 * was over before the tools were known is judged once, for the record.
 */
export function judge(draft: Draft, call: Call, tools: readonly ServedTool[]): Call {
  const tool = tools.find(served => served.name === call.name);
  if (call.phase.kind === 'settled' && call.owned === undefined)
    return update(draft, call, { owned: tool !== undefined });
  if (call.phase.kind !== 'waiting') return call;
  if (tool === undefined)
    return call.owned === false ? call : update(draft, call, { owned: false, locks: [] });
  const input = call.input ?? call.inputRef?.hint;
  return update(draft, call, {
    owned: true,
    locks: locksOf(tool.locks, input),
    timeoutMs: timeoutOf(tool, input),
    idempotent: tool.idempotent,
  });
}

/** bash's own timeout stays this much below the tool's (behaviours.md 62), which stays below the activity's. */
const TIMEOUT_STEP_MS = 30_000;
const TIMEOUT_CAP_MS = 3_600_000;

/** A call's own `timeout_ms` (bash) raises the whole ladder of timeouts (§5), up to an hour. */
function timeoutOf(tool: ServedTool, input: unknown): number {
  const asked =
    tool.name === 'bash' && typeof input === 'object' && input !== null && 'timeout_ms' in input
      ? Number(input.timeout_ms)
      : Number.NaN;
  if (!Number.isFinite(asked)) return tool.timeoutMs;
  return Math.min(Math.max(tool.timeoutMs, asked + TIMEOUT_STEP_MS), TIMEOUT_CAP_MS);
}
