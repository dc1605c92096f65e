/** What people on duty are told, word for word as it is sent (docs/notifications.md). Times are ISO strings. */
import type { Call } from '../session/state.ts';
import type { HeldCall } from './messages.ts';

interface About {
  readonly session: string;
  /** The session's title, as the API has it. */
  readonly title: string | null;
  /** Where its tools run. */
  readonly host: string | null;
}

export interface CallsHeld extends About {
  /** An `input` of more than 1,000 characters of JSON is null. */
  readonly calls: readonly HeldCall[];
  /** How many more are held that are not named here. */
  readonly more: number;
}

export interface SessionStuck extends About {
  /** What does not pass, in plain words. */
  readonly waitingFor: string;
  readonly since: string;
  readonly openCalls: number;
}

/** A call whose agent was told that its outcome is not known. */
export interface UnknownCall {
  readonly call: string;
  readonly name: string;
  readonly summary: string;
  readonly thread: string | null;
  readonly startedAt: string | null;
  readonly reason: string;
}

export interface CallsUnknown extends About {
  readonly calls: readonly UnknownCall[];
  readonly more: number;
}

/** The same `id` is the same notice, however often it is delivered. */
export type Notice = { readonly id: string; readonly timestamp: string } & (
  | { readonly type: 'calls.held'; readonly data: CallsHeld }
  | { readonly type: 'session.stuck'; readonly data: SessionStuck }
  | { readonly type: 'calls.unknown'; readonly data: CallsUnknown }
);

export type NoticeType = Notice['type'];

/** How notices go out; each is retried for itself. */
export type NoticeWay = 'webhook' | 'command';

const NAMED = 50;
const INPUT_CHARS = 1_000;

/** @param all how many there are to be told of. */
export function callsHeld(about: About, held: readonly HeldCall[], all = held.length): CallsHeld {
  const calls = held.slice(0, NAMED).map(call => ({ ...call, input: fittingInput(call.input) }));
  return { ...about, calls, more: all - calls.length };
}

export function callsUnknown(about: About, unknown: readonly UnknownCall[]): CallsUnknown {
  const calls = unknown.slice(0, NAMED);
  return { ...about, calls, more: unknown.length - calls.length };
}

/** Undefined for a call whose outcome is known. */
export function unknownCall({ id, name, summary, thread, startedAt, phase }: Call): UnknownCall | undefined {
  if (phase.kind !== 'finished' || phase.outcome.kind !== 'unknown') return undefined;
  const started = startedAt === undefined ? null : new Date(startedAt).toISOString();
  return { call: id, name, summary, thread, startedAt: started, reason: phase.outcome.reason };
}

/** What a notice leaves out, the console and `holdfast approvals list` show. */
function fittingInput(input: unknown): unknown {
  return (JSON.stringify(input) ?? '').length > INPUT_CHARS ? null : input;
}
