/** Gathers, once all has ended, what is known of every call: effects first, the API's ledger, and who was struck. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionHandle } from '../../emulator/handle.ts';
import type { LedgerCall } from '../../emulator/ledger.ts';
import type { Effect } from './call-mix.ts';
import type { EffectsReader } from './effects.ts';
import type { MadeCall } from './player.ts';
import type { Struck } from './striker.ts';
import { beginOf } from './tools.ts';
import type { CallEvidence } from './verdict.ts';

export interface Gathered {
  readonly calls: readonly CallEvidence[];
  /** Unix ms of every progress by session: results that were taken, tools that started; ascending. */
  readonly progress: ReadonlyMap<string, readonly number[]>;
}

export interface Sources {
  readonly sessions: readonly SessionHandle[];
  readonly made: ReadonlyMap<string, MadeCall>;
  readonly effects: EffectsReader;
  readonly workspaceOf: (sessionId: string) => string;
  /** How often a call of a user's tool was started. */
  readonly startsOf: (sessionId: string, callId: string) => number;
  readonly strikes: readonly Struck[];
}

export function gather({ sessions, made, effects, workspaceOf, startsOf, strikes }: Sources): Gathered {
  const counts = effects.counts();
  const times = effects.times();
  const hostKills = hostKillsOf(strikes);
  const calls: CallEvidence[] = [];
  const progress = new Map<string, number[]>();
  for (const session of sessions) {
    const entries = new Map(session.ledger().calls.map(entry => [entry.id, entry]));
    const moments: number[] = [];
    progress.set(session.id, moments);
    const files = new Map<string, readonly string[]>();
    const linesIn = (path: string, label: string) => {
      const lines = files.get(path) ?? linesOf(join(workspaceOf(session.id), path));
      files.set(path, lines);
      return lines.filter(line => line === label).length;
    };
    const linesOfCall = ({ effect, label, id }: MadeCall): number => {
      if (effect.kind === 'file') return linesIn(effect.path, label);
      return effect.kind === 'starts' ? startsOf(session.id, id) : (counts.get(label) ?? 0);
    };
    for (const call of made.values()) {
      if (call.sessionId !== session.id) continue;
      const entry = entries.get(call.id);
      const { label, name, effect, id } = call;
      moments.push(...(times.get(label) ?? []), ...(entry?.accepted.map(({ at }) => at) ?? []));
      calls.push({
        id,
        title: `${name} ${label} (${id})`,
        effect: countingOf(effect),
        lines: linesOfCall(call),
        starts: Math.max(linesOfCall(call), counts.get(beginOf(label)) ?? 0),
        answer: answerOf(entry),
        expected: call.answer,
        hostKills: hostKills.get(id) ?? 0,
      });
    }
    moments.sort((a, b) => a - b);
  }
  return { calls, progress };
}

function countingOf(effect: Effect): CallEvidence['effect'] {
  if (effect.kind === 'none') return 'none';
  const isRepeatable = effect.kind === 'repeatable-line' || (effect.kind === 'starts' && effect.isRepeatable);
  return isRepeatable ? 'repeatable' : 'once';
}

/** How often a call's tool host was killed while the call was marked or running on it. */
export function hostKillsOf(strikes: readonly Struck[]): Map<string, number> {
  const kills = new Map<string, number>();
  for (const { hosts, caught } of strikes) {
    for (const { id, sessionId, phase } of caught) {
      if (!hosts.includes(sessionId) || (phase !== 'marked' && phase !== 'running')) continue;
      kills.set(id, (kills.get(id) ?? 0) + 1);
    }
  }
  return kills;
}

interface PostedResult {
  readonly is_error?: boolean;
  readonly content?: readonly { readonly text?: string }[];
}

function answerOf(entry: LedgerCall | undefined): CallEvidence['answer'] {
  const event = entry?.accepted[0]?.event as PostedResult | undefined;
  if (event === undefined || entry?.closed_by !== 'result') return undefined;
  const text = (event.content ?? []).map(block => block.text ?? '').join('\n');
  return { isError: event.is_error === true, text };
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
