/** Where every call stood at one moment: cheap, since it is taken while processes wait to be killed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionHandle } from '../../emulator/handle.ts';
import { folderName, sessionPaths } from '../../tool-host/paths.ts';

/**
 * `queued`: the agent has made the call, nothing marks a start · `marked`: its start marker is durable, its tool has
 * done nothing yet · `running`: its tool has taken effect, no outcome is durable · `finished`: that, and nothing of it
 * has reached the API · `posting`: it has reached the API, which refused it or whose answer is not there yet.
 */
export const PHASES = ['queued', 'marked', 'running', 'finished', 'posting'] as const;
export type Phase = (typeof PHASES)[number];

export interface CaughtCall {
  readonly id: string;
  readonly sessionId: string;
  readonly phase: Phase;
}

export interface Scenery {
  readonly sessions: readonly SessionHandle[];
  /** Undefined for a runner without a journal: then only effects and posts tell. */
  readonly stateDir: string | undefined;
  /** Whether the call's tool has left its line; asked with whether its start is marked. */
  readonly tookEffect: (callId: string, started: boolean) => boolean;
}

export function takeSnapshot({ sessions, stateDir, tookEffect }: Scenery): CaughtCall[] {
  return sessions.flatMap(session => {
    const calls =
      stateDir === undefined ? undefined : join(sessionPaths(stateDir, session.id).journal, 'calls');
    return session.inFlight().map(({ id, posted }) => {
      const folder = calls === undefined ? undefined : join(calls, folderName(id));
      const has = (name: string) => folder !== undefined && existsSync(join(folder, name));
      const outcome = has('outcome.json');
      const started = has('started.json');
      const phase = phaseOf({ posted, outcome, started, effect: tookEffect(id, started) });
      return { id, sessionId: session.id, phase };
    });
  });
}

/** The latest fact decides. */
export function phaseOf(facts: {
  readonly posted: boolean;
  readonly outcome: boolean;
  readonly started: boolean;
  readonly effect: boolean;
}): Phase {
  if (facts.posted) return 'posting';
  if (facts.outcome) return 'finished';
  if (facts.effect) return 'running';
  return facts.started ? 'marked' : 'queued';
}
