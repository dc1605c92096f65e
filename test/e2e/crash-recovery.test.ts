/** The recovery of the recovery: whoever takes over is killed in its turn (I4, I5). */
import { pathToFileURL } from 'node:url';
import { describe, expect, it, type TestContext } from 'vitest';
import { textsOf } from './support/answers.ts';
import { type CrashWorld, crashWorld, describeKills } from './support/crash.ts';
import { CRASH_CASES, TWICE } from './support/crash-cases.ts';

for (const victim of ['worker', 'tool host'] as const) {
  const points = TWICE[victim].filter(point => CRASH_CASES[point].road !== undefined);
  describeKills(import.meta.url, victim, points, 2);
}

async function worldOf({ task, onTestFinished }: TestContext): Promise<CrashWorld> {
  const made = await crashWorld(pathToFileURL(task.file.filepath).href);
  onTestFinished(() => made.w.end());
  return made;
}

describe.concurrent('a worker that takes over is killed', () => {
  it('while it replays, twice in a row: the next one goes on', async context => {
    const { w, points } = await worldOf(context);
    let worker = await w.worker();
    const session = w.session([
      { call: 'meet', input: { label: 'a', others: ['go'] } },
      { call: 'effect', input: { label: 'b', ms: 1 } },
    ]);
    const handle = await w.begin(session.id);
    await w.effect('begin a');
    points.arm('workflow.replaying', session.id);
    await worker.end('SIGKILL');
    for (let time = 1; time <= 2; time++) {
      worker = await w.worker();
      // Something for the workflow to do, so that somebody must replay it.
      await w.begin(session.id);
      expect(await points.held('workflow.replaying', session.id)).toMatchObject({ pid: worker.pid });
      if (time === 1) points.arm('workflow.replaying', session.id);
      await worker.end('SIGKILL');
      points.release('workflow.replaying', session.id);
    }
    await w.worker();
    w.note('begin go');
    expect(await handle.result()).toMatchObject({ state: 'done' });
    expect(textsOf(session)).toEqual(['a met all', 'did b']);
    expect(w.effects('begin')).toEqual(['begin a', 'begin go', 'begin b']);
  });

  it.for(['orphans.found', 'orphans.failed'] as const)(
    'at %s, while it looks after the one before: the third one looks after both',
    async (point, context) => {
      const { w, points } = await worldOf(context);
      const [first, second] = await Promise.all([w.worker(), w.worker()]);
      const session = w.session([
        { call: 'meet', input: { label: 'a', others: ['go'] } },
        { call: 'effect', input: { label: 'b', ms: 1 } },
      ]);
      const handle = await w.begin(session.id);
      await w.effect('begin a');
      points.arm(point);
      await first.end('SIGKILL');
      expect(await points.held(point)).toMatchObject({ pid: second.pid });
      await second.end('SIGKILL');
      points.release(point);
      w.note('begin go');
      await w.worker();
      expect(await handle.result()).toMatchObject({ state: 'done' });
      expect(textsOf(session)).toEqual(['a met all', 'did b']);
      expect(w.effects('begin')).toEqual(['begin a', 'begin go', 'begin b']);
    },
  );
});
