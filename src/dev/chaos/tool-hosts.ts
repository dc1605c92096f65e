/** The tool hosts as victims: frozen first, so that what is seen of their calls is what they die with. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LiveHost, listLiveHosts } from '../../tool-host/sweep.ts';

const FREEZE_MS = 1_000;
const RAISED_MS = 5_000;
const POLL_MS = 20;

/** Hosts that live now, of these sessions only where they are named. */
export async function hostsOf(stateDir: string, sessionIds?: ReadonlySet<string>): Promise<LiveHost[]> {
  const hosts = await listLiveHosts(stateDir);
  return hosts.filter(({ sessionId }) => sessionIds?.has(sessionId) ?? true);
}

/** SIGSTOP, and waits until no thread of any of them runs. One that ended meanwhile is left out of the answer. */
export async function freezeHosts(hosts: readonly LiveHost[]): Promise<LiveHost[]> {
  const frozen = hosts.filter(({ pid }) => send(pid, 'SIGSTOP'));
  const deadline = performance.now() + FREEZE_MS;
  while (!frozen.every(({ pid }) => isStopped(pid)) && performance.now() < deadline) await sleep(2);
  return frozen;
}

export function killHosts(hosts: readonly LiveHost[]): void {
  for (const { pid } of hosts) send(pid, 'SIGKILL');
}

/** Resolves when one of these sessions has another host than the one that was killed. */
export async function raisedAgain(
  stateDir: string,
  killed: readonly LiveHost[],
  signal: AbortSignal,
): Promise<void> {
  const before = new Map(killed.map(({ sessionId, pid }) => [sessionId, pid]));
  const deadline = performance.now() + RAISED_MS;
  while (performance.now() < deadline && !signal.aborted) {
    const live = await hostsOf(stateDir, new Set(before.keys()));
    if (live.some(({ sessionId, pid }) => before.get(sessionId) !== pid)) return;
    await sleep(POLL_MS);
  }
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Without /proc (macOS) the signal has to do. */
function isStopped(pid: number): boolean {
  if (process.platform !== 'linux') return true;
  try {
    return readdirSync(`/proc/${pid}/task`).every(task => {
      const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'latin1');
      return /^[TtZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
    });
  } catch {
    return true;
  }
}
