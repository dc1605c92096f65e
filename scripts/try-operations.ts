/**
 * Runs the commands of docs/operations.md that are marked as tried, one block after the other, beside a worker, a host and
 * a session: `npm run operations` (on the stack of scripts/production-stack.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmulator } from '../src/emulator/server.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'bin', 'holdfast.js');
const text = readFileSync(join(root, 'docs', 'operations.md'), 'utf8');
const blocks = [...text.matchAll(/^<!-- tried -->\n```sh\n([\s\S]*?)^```$/gm)].map(match => match[1] ?? '');
if (blocks.length === 0) throw new Error('docs/operations.md marks no block as tried');
if (process.env.TEMPORAL_ADDRESS === undefined) throw new Error('run it by `npm run operations`');

const stateDir = mkdtempSync(join(tmpdir(), 'hfo-'));
const emulator = await startEmulator({});
const env = {
  ...process.env,
  TEMPORAL_NAMESPACE: 'holdfast',
  ANTHROPIC_BASE_URL: emulator.url,
  ANTHROPIC_API_KEY: 'emulated',
  HOLDFAST_STATE_DIR: stateDir,
  HOLDFAST_HOST_LOST: '5m',
};
const children: ChildProcess[] = [];
try {
  for (const roles of ['sessions,listeners', 'tools']) await ready(['worker', '--roles', roles]);
  const { id } = emulator.createSession({
    script: [{ call: 'bash', input: { command: 'uname' } }, { say: 'done' }],
    message: 'go',
  });
  const served = await run(process.execPath, [bin, 'start', id, '--wait', '--max-idle', '1s']);
  if (served.status !== 0) throw new Error(`the session failed: ${served.said}`);
  let wrong = 0;
  for (const block of blocks) {
    const { status, said } = await run('bash', ['-euo', 'pipefail', '-c', block]);
    if (status !== 0) wrong++;
    const verdict = status === 0 ? 'ok' : `WRONG (exit ${status})`;
    console.log(`--- ${verdict}\n${block.trimEnd()}\n${said.replace(/^/gm, '    ').trimEnd()}`);
  }
  console.log(`${blocks.length - wrong} of ${blocks.length} blocks of docs/operations.md ran as they stand`);
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  for (const child of children) {
    child.kill('SIGTERM');
    await new Promise(done => child.once('close', done));
  }
  await emulator.close();
  rmSync(stateDir, { recursive: true, force: true });
  for (const name of ['temporal.dump', 'temporal_visibility.dump']) rmSync(join(root, name), { force: true });
}

/** The emulator is in this process, so nothing may block it. */
function run(program: string, args: readonly string[]): Promise<{ status: number | null; said: string }> {
  const child = spawn(program, args, { env, cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', status => done({ status, said }));
  });
}

function ready(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  return new Promise((done, fail) => {
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      said += part;
      if (said.includes('worker ready')) done();
    });
    child.once('close', () => fail(new Error(`holdfast ${args.join(' ')} ended: ${said}`)));
  });
}
