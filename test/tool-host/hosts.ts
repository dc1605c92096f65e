/** Real tool hosts in a temporary state folder; after each test nothing of them may be left alive. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { ToolOutcome } from '../../src/session/outcome.ts';
import type { OpenedWorkspace } from '../../src/tool-host/attach-host.ts';
import { ToolHostClient } from '../../src/tool-host/client.ts';
import { hostId } from '../../src/tool-host/host-id.ts';
import { killAll, markedProcesses } from '../../src/tool-host/kill.ts';
import { closeWorkspace, type OpenOptions, openWorkspace } from '../../src/tool-host/launch.ts';
import { sessionPaths } from '../../src/tool-host/paths.ts';
import type { CallAnswer, CallRequest } from '../../src/tool-host/protocol.ts';
import { sweepHosts } from '../../src/tool-host/sweep.ts';

export const FIXTURE_TOOLS = fileURLToPath(new URL('./fixture-tools.ts', import.meta.url));
export const SESSION = 'sesn_test';
/** Generous: it only bounds how long a failure takes. */
export const DEADLINE_MS = 30_000;

export interface Hosts {
  readonly stateDir: string;
  /** Opens the workspace of `SESSION`, or of another session. */
  open(options?: Partial<OpenOptions>): Promise<OpenedWorkspace>;
  client(opened: { socketPath: string; incarnation: string }): ToolHostClient;
  /** Runs a call to its outcome. */
  call(
    client: ToolHostClient,
    id: string,
    name: string,
    input: unknown,
    extra?: Partial<CallRequest>,
  ): Promise<ToolOutcome>;
  paths(sessionId?: string): ReturnType<typeof sessionPaths>;
}

/** Call at the top of a describe block or file: a state folder for each test, or one for all that `share` it. */
export function useHosts(life: 'each' | 'shared' = 'each'): Hosts {
  let stateDir = '';
  const clients: ToolHostClient[] = [];
  const [before, after] = life === 'each' ? [beforeEach, afterEach] : [beforeAll, afterAll];
  before(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'hf-'));
  });
  after(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await sweepHosts({ stateDir, isWanted: async () => false });
    const left = markedProcesses('HOLDFAST_HOST', `${await hostId(stateDir)}.`);
    for (const incarnation of left.keys()) await killAll({ marks: [`HOLDFAST_HOST=${incarnation}`] }, 5_000);
    await rm(stateDir, { recursive: true, force: true });
    expect([...left.values()].flat(), 'processes left after the sweep').toEqual([]);
  });
  return {
    get stateDir() {
      return stateDir;
    },
    open: options => openWorkspace({ stateDir, sessionId: SESSION, toolEnv: toolEnv(), ...options }),
    client: opened => {
      const client = new ToolHostClient(opened);
      clients.push(client);
      return client;
    },
    call: async (client, id, name, input, extra) => {
      const answer = await finish(client, id, request(name, input, extra));
      if (answer.kind !== 'outcome') throw new Error(`${id} was answered ${JSON.stringify(answer)}`);
      return answer.outcome;
    },
    paths: (sessionId = SESSION) => sessionPaths(stateDir, sessionId),
  };
}

export function toolEnv(extra: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', ...extra };
}

export function request(name: string, input: unknown, extra: Partial<CallRequest> = {}): CallRequest {
  return { name, input, timeoutMs: 60_000, idempotent: false, waitMs: 1_000, ...extra };
}

/** Asks until the call has ended, as the activity does. */
export async function finish(client: ToolHostClient, id: string, call: CallRequest): Promise<CallAnswer> {
  for (;;) {
    const answer = await client.startOrAttach(id, call);
    if (answer.kind !== 'running') return answer;
  }
}

/** The text of an answered outcome; anything else fails the test. */
export function textOf(outcome: ToolOutcome): string {
  if (outcome.kind !== 'answered') throw new Error(`the outcome is ${JSON.stringify(outcome)}`);
  return outcome.content.map(block => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n');
}

export function errorText(outcome: ToolOutcome): string {
  const text = textOf(outcome);
  expect(outcome).toMatchObject({ isError: true });
  return text;
}

export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`never came: ${what}`);
    await sleep(10);
  }
}

/** Waits for a file that holds at least one line. */
export function untilFile(path: string): Promise<string> {
  return until(path, () => {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return text.includes('\n') ? text : undefined;
  });
}

export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

export async function close(
  opened: OpenedWorkspace,
  hosts: Hosts,
  extra: { killRunning?: boolean; graceMs?: number } = {},
) {
  const { stateDir } = hosts;
  const { incarnation } = opened;
  return closeWorkspace({
    stateDir,
    sessionId: SESSION,
    incarnation,
    killRunning: true,
    graceMs: 0,
    ...extra,
  });
}

/** The folder of the only call in the journal. */
export async function onlyCallFolder(hosts: Hosts): Promise<string> {
  const calls = join(hosts.paths().journal, 'calls');
  const [name, ...others] = await readdir(calls);
  expect(others).toEqual([]);
  return join(calls, name ?? '');
}

export async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').filter(line => line !== '');
}

/** Leaves its traces, a process outside its session, and a line of output, then sleeps. */
export const SLEEPER =
  "echo $$ > shell; echo begun >> effects; setsid sh -c 'echo $$ > gone; exec sleep 300' & echo said; sleep 300";

/** Starts SLEEPER as `call_1` and waits until it has left its traces. */
export async function sleeper(
  hosts: Hosts,
  opened: {
    workspace: string;
    socketPath: string;
    incarnation: string;
  },
): Promise<number[]> {
  const client = hosts.client(opened);
  await client.startOrAttach('call_1', request('bash', { command: SLEEPER }, { waitMs: 0 }));
  const files = ['shell', 'gone'].map(name => untilFile(join(opened.workspace, name)));
  const pids = (await Promise.all(files)).map(Number);
  await until('its output', async () => {
    const log = await client.log('call_1');
    return log.kind === 'log' && log.bytes.length > 0 ? true : undefined;
  });
  return pids;
}
