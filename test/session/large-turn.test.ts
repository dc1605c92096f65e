/** A turn of thousands of calls: the core takes it, as it folds in a run (times are printed, not judged). */
import { expect, test } from 'vitest';
import { draftOf } from '../../src/session/draft.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { foldInto } from '../../src/session/evolve.ts';
import type { Fact } from '../../src/session/facts.ts';
import { nextStep } from '../../src/session/next-step.ts';
import { allCalls } from '../../src/session/records.ts';
import { initialState } from '../../src/session/state.ts';
import { LIMITS, NOW } from './given.ts';
import { at, call, custom, delivered, finished, LISTED, posting, started, TOOLS } from './wire.ts';

const CALLS = 10_000;
/** As many as a listener signals at once. */
const BATCH = 200;

test.each([
  ['may run beside each other', (i: number) => custom(`c${i}`)],
  ['all want the workspace', (i: number) => call(`c${i}`)],
])('thousands of calls that %s start once each, and all are settled', { timeout: 300_000 }, (_, make) => {
  const state = draftOf(initialState('sesn_1'));
  const fold = (...items: readonly (SessionEvent | Fact)[]) => foldInto(state, items, NOW);
  const running: string[] = [];
  let launched = 0;
  const began = performance.now();
  for (let i = 0; i < CALLS; i += BATCH) fold(...Array.from({ length: BATCH }, (_, n) => at(1, make(i + n))));
  fold(TOOLS, LISTED);
  for (;;) {
    const step = nextStep(state, NOW, LIMITS);
    if (step.kind === 'run') {
      running.push(...step.ids);
      launched += step.ids.length;
      fold(...started(...step.ids));
    } else if (step.kind === 'post') {
      fold(posting(...step.ids), ...step.ids.map(id => delivered(id)));
    } else {
      expect(step.kind).toBe('wait');
      const next = running.shift();
      if (next === undefined) break;
      fold(finished(next));
    }
  }
  console.info(`${CALLS} calls in one turn: ${(performance.now() - began).toFixed(0)} ms`);
  expect(launched).toBe(CALLS);
  expect(state.pending).toEqual([]);
  expect(allCalls(state).filter(({ starts }) => starts !== 1)).toEqual([]);
});
