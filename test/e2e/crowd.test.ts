/** `scripts/crowd.ts`, small: held, interrupted and cut sessions on one worker, within a budget that binds. */
import { expect, inject, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { runCrowd } from '../../src/dev/crowd/run-crowd.ts';

it('20 sessions whose streams are cut all the time settle every call once, within the budget', async () => {
  const { cacheDir, temporal } = readConfig({
    ...process.env,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: 'default',
  });
  const report = await runCrowd({
    sessions: 20,
    cutEveryMs: 3_000,
    readsPerMinute: 600,
    limitMs: 240_000,
    env: process.env,
    cacheDir,
    given: temporal,
    signal: new AbortController().signal,
    stage: () => {},
  });
  expect(report).toMatchObject({ ok: true, doubled: 0, wrong: [], stuck: [] });
  expect(report).toMatchObject({ sessions: 20, denied: 1, interrupted: 2, requests: { limited: 0 } });
  expect(report.calls).toBe(16 * 3 + 4 * 2);
  // Each session's stream was cut, and opened again.
  expect(report.streams).toBeGreaterThan(2 * 20);
});
