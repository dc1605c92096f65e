/** The request budget in a real worker: a restart is paced, nothing is refused, and metrics tell of it. */
import { expect, it } from 'vitest';
import { textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { closedPort } from './support/failing.ts';
import { world } from './support/world.ts';

const PER_MINUTE = 120;
const SESSIONS = 6;

it('sessions that attach again after a worker was killed stay within the budget, and all are served', async context => {
  const metrics = `127.0.0.1:${await closedPort()}`;
  const w = await world(context, {
    readLimit: { requests: PER_MINUTE, windowMs: 60_000 },
    env: { HOLDFAST_READS_PER_MINUTE: String(PER_MINUTE), HOLDFAST_METRICS: metrics },
  });
  const first = await w.worker();
  const sessions = Array.from({ length: SESSIONS }, (_, n) =>
    w.session([{ call: 'meet', input: { label: `s${n}`, others: ['restarted'] } }]),
  );
  const handles = await Promise.all(sessions.map(({ id }) => w.begin(id, { maxIdleMs: 200 })));
  await eventually('every call has begun', () => w.effects('begin s').length === SESSIONS);
  await first.end('SIGKILL');

  const restartedAt = Date.now();
  await w.worker();
  await eventually('all listen again', () => sessions.every(session => session.info().streams > 0));
  w.note('begin restarted');
  for (const handle of handles) expect((await handle.result()).state).toBe('done');
  expect(sessions.flatMap(textsOf)).toEqual(sessions.map((_, n) => `s${n} met all`));
  expect(w.effects('begin s')).toHaveLength(SESSIONS);

  const reads = w.emulator.requests().filter(({ method }) => method === 'GET');
  expect(reads.filter(({ status }) => status === 429)).toEqual([]);
  const after = reads.filter(({ at }) => at >= restartedAt).map(({ at }) => at - restartedAt);
  expect(after.length).toBeGreaterThanOrEqual(2 * SESSIONS);
  // What a process may read at its start, and what flows after that: nothing can come earlier.
  const allowed = (ms: number) => PER_MINUTE / 40 + (ms * PER_MINUTE * 7) / 8 / 60_000;
  expect(after.filter((at, n) => n + 1 > allowed(at) + 1)).toEqual([]);

  const text = await (await fetch(`http://${metrics}/metrics`)).text();
  const value = (name: string) =>
    Number(new RegExp(`^${name}\\{kind="read"\\} (\\d+)$`, 'm').exec(text)?.[1]);
  expect(value('holdfast_api_requests')).toBeGreaterThanOrEqual(after.length);
  expect(value('holdfast_api_requests_waited')).toBeGreaterThan(0);
  expect(value('holdfast_api_budget_left')).toBeGreaterThanOrEqual(0);
  expect(text).toContain('holdfast_api_requests{kind="post"}');
  expect(text).not.toContain('holdfast_api_rate_limited{');
});
