/** Workers whose wall clocks are hours apart and jump: nothing is doubled, lost, given up early or held up. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { world } from './support/world.ts';

const PRELOAD = fileURLToPath(new URL('./support/skewed-clock.ts', import.meta.url));
const HOUR_MS = 3_600_000;

it('two workers with wrong clocks that jump serve sessions whose calls are committed late', async context => {
  const folder = mkdtempSync(join(tmpdir(), 'hfc-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true }));
  const w = await world(context);
  const workers = [-2 * HOUR_MS, 2 * HOUR_MS].map((skew, i) => {
    const file = join(folder, String(i));
    writeFileSync(file, String(skew));
    const env = { NODE_OPTIONS: `--import=${PRELOAD}`, CLOCK_SKEW: file };
    return { file, process: w.run(['worker'], env) };
  });
  await Promise.all(workers.map(worker => worker.process.says('worker ready')));
  const jumps = setInterval(() => {
    for (const { file } of workers)
      writeFileSync(file, String(Math.round((Math.random() - 0.5) * 48 * HOUR_MS)));
  }, 400);
  context.onTestFinished(() => clearInterval(jumps));

  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const sessions = names.map(name => {
    const session = w.session(
      [1, 2].map(i => ({ call: 'effect', input: { label: `${name}${i}`, ms: 300 } })),
    );
    session.setFaults({ commit_race_ms: 600_000, stream: { cut_after_events: 4 } });
    return session;
  });
  const interrupted = w.session([{ call: 'effect', input: { label: 'interrupted', ms: 120_000 } }]);
  interrupted.setFaults({ interrupt_delay_ms: 'never' });
  const stopped = await w.begin(interrupted.id, { interruptGraceMs: 1_500 });
  const handles = await Promise.all(sessions.map(({ id }) => w.begin(id, { maxIdleMs: 1_000 })));
  await w.effect('begin interrupted');
  interrupted.send({ type: 'user.interrupt' });
  // By whichever worker has it then.
  await eventually('some results were refused several times', () =>
    sessions.flatMap(answersOf).some(({ refused }) => refused > 2),
  );
  for (const session of sessions) session.setFaults({ commit_race_ms: 0 });

  const summaries = await Promise.all(handles.map(handle => handle.result()));
  expect(
    summaries.flatMap(({ calls }) =>
      calls.map(({ posted, isError, attempts }) => [posted, isError, attempts]),
    ),
  ).toEqual(
    names.flatMap(() => [
      [true, false, 1],
      [true, false, 1],
    ]),
  );
  expect(sessions.flatMap(textsOf)).toEqual(names.flatMap(name => [`did ${name}1`, `did ${name}2`]));
  expect(w.effects('begin')).toHaveLength(names.length * 2 + 1);
  expect((await stopped.result()).calls).toMatchObject([{ posted: true, isError: true, attempts: 1 }]);
  expect(answersOf(interrupted)[0]?.text).toMatch(/was stopped before it ended: the user interrupted/);
});
