/** A command as its user runs it, in a temporary folder of its own: a process, its output, what it leaves behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { environmentOf, listProcesses } from '../../../src/tool-host/processes.ts';

const BIN = fileURLToPath(new URL('../../../bin/holdfast.js', import.meta.url));

export interface CommandRun {
  readonly child: ChildProcess;
  readonly ended: Promise<{ status: number | null; stdout: string; stderr: string }>;
  /** Its TMPDIR: all that it makes and starts is in it, or has it in its environment. */
  readonly folder: string;
  stderrSoFar(): string;
}

/** Starts it without any setting of whoever runs the tests; it ends with its test. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  whenFinished: typeof onTestFinished = onTestFinished,
): Promise<CommandRun> {
  const folder = await mkdtemp(join(tmpdir(), 'hfd-'));
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(TEMPORAL|ANTHROPIC|HOLDFAST)_/.test(name),
  );
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...Object.fromEntries(inherited), TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<Awaited<CommandRun['ended']>>(resolve => {
    child.once('close', status => resolve({ status, ...output }));
  });
  whenFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  });
  return { child, ended, folder, stderrSoFar: () => output.stderr };
}

/** What it has left: files in its folder, and processes (all that it starts inherit TMPDIR). */
export async function leftoversOf({ folder }: CommandRun): Promise<string[]> {
  const processes = listProcesses().filter(
    ({ pid }) => pid !== process.pid && environmentOf(pid).some(entry => entry.includes(folder)),
  );
  return [...(await readdir(folder)), ...processes.map(({ pid }) => `process ${pid}`)];
}
