import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { failOrphans, openAttempts } from '../../src/activities/attempts.ts';

let stateDir: string;

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'hf-attempts-'));
});

afterEach(() => {
  rmSync(stateDir, { recursive: true, force: true });
});

/** What a process that is no more has left. */
function dead(names: readonly string[]): void {
  const folder = join(stateDir, 'workers', '999999999-1');
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeFileSync(join(folder, name), `token ${name}`);
}

async function takeOver(release: (workflowId: string) => Promise<void> = async () => {}) {
  const done: string[] = [];
  const failed = await failOrphans(stateDir, {
    fail: async token => {
      done.push(`failed ${Buffer.from(token)}`);
    },
    release: async workflowId => {
      await release(workflowId);
      done.push(`released ${workflowId}`);
    },
  });
  return { done, failed };
}

it('a dead worker’s workflows are released before their attempts fail, each once', async () => {
  dead(['1@sesn_1.token', '2@sesn_1.token', '3@sesn_2%2Fmsg_1.token', '4.token']);
  const { done, failed } = await takeOver();
  expect(failed).toBe(4);
  expect(done.filter(line => line.startsWith('released')).sort()).toEqual([
    'released sesn_1',
    'released sesn_2/msg_1',
  ]);
  expect(done.indexOf('released sesn_1')).toBeLessThan(done.indexOf('failed token 1@sesn_1.token'));
  expect(done.indexOf('released sesn_1')).toBeLessThan(done.indexOf('failed token 2@sesn_1.token'));
  expect((await takeOver()).failed).toBe(0);
});

it('a workflow that cannot be released has its attempts failed all the same', async () => {
  dead(['1@sesn_1.token']);
  expect(await takeOver(() => Promise.reject(new Error('it has ended')))).toEqual({
    failed: 1,
    done: ['failed token 1@sesn_1.token'],
  });
});

it.each([
  [true, /^1@.+\.token$/],
  [false, /^1\.token$/],
])(
  'an attempt of a process that holds runs (%s) tells its workflow, while it runs',
  async (holdsRuns, name) => {
    const { folder, noted, close } = openAttempts(stateDir, holdsRuns);
    const tokens = () => readdirSync(folder).filter(file => file.endsWith('.token'));
    const seen = await new MockActivityEnvironment().run(
      noted<undefined, string[]>(async () => tokens()),
      undefined,
    );
    expect(seen).toEqual([expect.stringMatching(name)]);
    expect(tokens()).toEqual([]);
    await close();
  },
);
