import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageFile from '../../package.json' with { type: 'json' };

const FIXTURES = fileURLToPath(new URL('../fixtures/histories', import.meta.url));
const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const quiet = new DefaultLogger('ERROR');

/** `0.1.0/one-call-1.json`: those of every release, since its runs may still be under way. */
function recorded(): string[] {
  return readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.json'));
}

function history(name: string) {
  return historyFromJSON(JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')));
}

function bundle(src: string): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({ workflowsPath: join(src, 'workflows/index.ts'), logger: quiet });
}

describe('recorded histories', () => {
  let workflowBundle: WorkflowBundleWithSourceMap;
  beforeAll(async () => {
    workflowBundle = await bundle(SRC);
  });

  it('are there for the version in package.json, so that the gate cannot pass for want of them', () => {
    const ofThisVersion = recorded().filter(name => name.startsWith(`${packageFile.version}/`));
    expect(
      ofThisVersion.length,
      `record the sessions of ${packageFile.version} with \`npm run record\` before it is released`,
    ).toBeGreaterThanOrEqual(8);
  });

  it.each(recorded())('%s replays: a run that was under way goes on with today’s code', async name => {
    await Worker.runReplayHistory({ workflowBundle }, history(name), 'sesn_recorded');
  });
});

describe('the replay gate', () => {
  // Inside the checkout, so that the copy finds node_modules.
  mkdirSync(join(ROOT, '.holdfast'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, '.holdfast', 'replay-gate-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('fails a workflow that was changed to call another activity', async () => {
    const src = join(folder, 'src');
    cpSync(SRC, src, { recursive: true });
    const file = join(src, 'workflows/activities.ts');
    const text = readFileSync(file, 'utf8');
    const changed = text.replace(
      '...table.POST, summary: summary.slice(0, 120) }).postResults',
      '...table.POST, summary: summary.slice(0, 120) }).readTail as never',
    );
    expect(changed).not.toBe(text);
    writeFileSync(file, changed);
    const workflowBundle = await bundle(src);
    await expect(
      Worker.runReplayHistory({ workflowBundle }, history('0.1.0/one-call-1.json'), 'sesn_recorded'),
    ).rejects.toThrow(/nondeterminism|TMPRL1100/i);
  });
});
