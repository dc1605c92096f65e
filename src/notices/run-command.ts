/** Gives a notice to a program of the operator's: the JSON on standard input, standard error into the log. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { killGroup } from '../kill-group.ts';
import { oneLine } from '../session/summary.ts';
import type { Notice } from '../workflows/notice.ts';
import type { NoticeDelivery } from './delivery.ts';

export interface NoticeCommand {
  readonly command: readonly string[];
  /** The environment of the worker; our own credentials are left out of it (I9). */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly log: (line: string) => void;
}

const OURS = /^(ANTHROPIC|TEMPORAL|HOLDFAST)_/i;
/** Characters of its standard error that are logged. */
const SAID_CHARS = 2_000;

/** How long the pipe of an ended program is read on: a process that has left its group may hold it. */
const DRAIN_MS = 200;

/** Never rejects, but with `signal.reason` once that aborts. Its whole process group ends with it. */
export async function runNoticeCommand(
  { command, env, timeoutMs, log }: NoticeCommand,
  notice: Notice,
  signal: AbortSignal,
): Promise<NoticeDelivery> {
  signal.throwIfAborted();
  const [program = '', ...args] = command;
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !OURS.test(name)));
  const child = spawn(program, args, { env: kept, stdio: ['pipe', 'ignore', 'pipe'], detached: true });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, SAID_CHARS);
  });
  // One that does not read what it is told may be content all the same.
  child.stdin.on('error', () => {});
  child.stdin.end(`${JSON.stringify(notice)}\n`);
  const late = AbortSignal.timeout(timeoutMs);
  const ended = AbortSignal.any([signal, late]);
  const kill = () => killGroup(child);
  ended.addEventListener('abort', kill, { once: true });
  const closed = new Promise(resolve => child.once('close', resolve));
  const end = await new Promise<string | undefined>(resolve => {
    child.once('error', error => resolve(`${program} did not start: ${error.message}`));
    child.once('exit', (code, by) =>
      resolve(code === 0 ? undefined : `${program} ended with ${code === null ? by : `exit code ${code}`}`),
    );
  });
  ended.removeEventListener('abort', kill);
  // What it left running must not outlive its time, and would hold the pipe open.
  kill();
  await Promise.race([closed, sleep(DRAIN_MS)]);
  child.stderr.destroy();
  for (const line of said.split('\n').map(oneLine)) if (line !== '') log(`${program} says: ${line}`);
  signal.throwIfAborted();
  if (late.aborted) return { kind: 'failed', reason: `${program} was ended after ${timeoutMs / 1_000} s` };
  return end === undefined ? { kind: 'taken' } : { kind: 'failed', reason: end };
}
