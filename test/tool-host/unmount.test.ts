import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { tearDown } from '../../src/tool-host/unmount.ts';

type Step = 'skills' | 'finish' | 'flush' | 'dispose';

/** What the SDK's part of a teardown does, and what became of it. */
async function given(does: Partial<Record<Step, (signal?: AbortSignal) => Promise<void>>> = {}) {
  const steps: Step[] = [];
  const warned: string[] = [];
  const step = (name: Step) => async (signal?: AbortSignal) => {
    steps.push(name);
    await does[name]?.(signal);
  };
  const gone = await tearDown({
    removeSkills: step('skills'),
    stores: { finish: step('finish'), flushWrites: step('flush'), dispose: step('dispose') },
    boundMs: 20,
    warned: line => warned.push(line),
    warnings: () => warned.filter(line => !line.startsWith('the skills')).length,
  });
  return { steps, warned, gone };
}

const fails = async () => {
  throw new Error('broken');
};
const hangs = () => sleep(60_000, undefined, { ref: false });

test('rows 112, 118: a clean end removes the skills, syncs once, flushes and removes the folders, in that order', async () => {
  expect(await given()).toEqual({ steps: ['skills', 'finish', 'flush', 'dispose'], warned: [], gone: true });
});

test('row 114: skills that cannot be removed keep no memory from being saved', async () => {
  const { steps, warned, gone } = await given({ skills: fails });
  expect([steps, gone]).toEqual([['skills', 'finish', 'flush', 'dispose'], true]);
  expect(warned).toEqual(['the skills were not removed: broken']);
});

test('row 113: a last sync that fails is followed by a flush, and the files stay on the disk', async () => {
  const { steps, warned, gone } = await given({ finish: fails });
  expect([steps, warned, gone]).toEqual([['skills', 'finish', 'flush'], ['broken'], false]);
});

test('row 116: a last sync that hangs is cut off, and the flush still runs', async () => {
  const { steps, warned } = await given({ finish: hangs });
  expect(steps).toEqual(['skills', 'finish', 'flush']);
  expect(warned).toEqual(['the last sync of the memory stores was cut off after 0.02 s']);
});

test('rows 115, 117: a flush that hangs is told to stop, so that it says what is left, and the teardown goes on', async () => {
  let told = false;
  const { warned, gone } = await given({
    flush: signal => {
      signal?.addEventListener('abort', () => {
        told = true;
      });
      return hangs();
    },
  });
  expect([told, gone]).toEqual([true, false]);
  expect(warned).toEqual(['the flush of the memory stores was cut off after 0.02 s']);
});
