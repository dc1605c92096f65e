import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { runNoticeCommand } from '../../src/notices/run-command.ts';
import { isAlive } from '../e2e/support/leftovers.ts';
import { sample } from './sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'hfn-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const idle = new AbortController().signal;
const file = (name: string) => join(folder, name);

function run(
  script: string,
  more: { timeoutMs?: number; env?: Record<string, string>; signal?: AbortSignal } = {},
) {
  const log: string[] = [];
  const { timeoutMs = 20_000, env = {}, signal = idle } = more;
  const command = ['sh', '-c', script];
  const done = runNoticeCommand(
    { command, env: { PATH: process.env.PATH, ...env }, timeoutMs, log: line => log.push(line) },
    sample,
    signal,
  );
  return { done, log };
}

/** A process that was killed is still there for a moment. */
async function isGone(name: string): Promise<void> {
  const pid = Number(readFileSync(file(name), 'utf8'));
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 10_000 });
}

describe('the command for notices', () => {
  it('gets the notice as one line of JSON on standard input', async () => {
    expect(await run(`cat > ${file('told')}`).done).toEqual({ kind: 'taken' });
    expect(JSON.parse(readFileSync(file('told'), 'utf8'))).toEqual(sample);
  });

  it('that does not read it, and leaves something running, has taken it all the same', async () => {
    const { done } = run(`sleep 600 & echo $! > ${file('left')}; exit 0`);
    expect(await done).toEqual({ kind: 'taken' });
    await isGone('left');
  });

  it('fails by its exit code, and what it says on standard error stands in the log, a line each', async () => {
    const { done, log } = run(`printf 'no route\\n\\033[2Jto anybody\\n' >&2; exit 3`);
    expect(await done).toEqual({ kind: 'failed', reason: 'sh ended with exit code 3' });
    expect(log).toEqual(['sh says: no route', 'sh says: [2Jto anybody']);
  });

  it('that cannot be started is told of by its name', async () => {
    const command = ['/nowhere/to-be-found'];
    const options = { command, env: {}, timeoutMs: 5_000, log: () => {} };
    const result = await runNoticeCommand(options, sample, idle);
    expect(result).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('/nowhere/to-be-found did not start'),
    });
  });

  it('is ended with its group when its time is over', async () => {
    const { done } = run(`sleep 600 & echo $! > ${file('late')}; wait`, { timeoutMs: 500 });
    expect(await done).toEqual({ kind: 'failed', reason: 'sh was ended after 0.5 s' });
    await isGone('late');
  });

  it('is ended when its activity is cancelled', async () => {
    const cancelled = new AbortController();
    const { done } = run('sleep 600', { signal: cancelled.signal });
    cancelled.abort(new Error('the worker shuts down'));
    await expect(done).rejects.toThrow('the worker shuts down');
  });

  it('sees the environment without our credentials', async () => {
    const env = {
      ANTHROPIC_API_KEY: 'planted',
      TEMPORAL_API_KEY: 'planted',
      HOLDFAST_NOTIFY_SECRET: 'planted',
      PAGER_TOKEN: 'theirs',
    };
    expect(await run(`env > ${file('env')}`, { env }).done).toEqual({ kind: 'taken' });
    expect(existsSync(file('env'))).toBe(true);
    const seen = readFileSync(file('env'), 'utf8');
    expect(seen).toContain('PAGER_TOKEN=theirs');
    expect(seen).not.toContain('planted');
  });
});
