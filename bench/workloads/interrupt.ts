/** A person interrupts while bash runs: how long its whole process group goes on. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, listProcesses } from '../../src/tool-host/processes.ts';
import { measure } from '../meter.ts';
import type { Player } from '../player.ts';
import { serially, times } from '../player.ts';
import type { Stage } from '../stage.ts';
import { MEDIAN_TIME } from './keys.ts';
import { ALL_MODES, DURABLE, type Workload } from './workload.ts';

const LIMIT_MS = 60_000;
const POLL_MS = 1;

/** Waits for the command to run with its child. @returns the processes of its group. */
async function groupOf(file: string): Promise<number[]> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const pid = Number(await readFile(file, 'utf8').catch(() => ''));
    const all = pid > 0 ? listProcesses() : [];
    const pgid = all.find(one => one.pid === pid)?.pgid;
    const group = all.filter(one => one.pgid === pgid);
    if (pgid !== undefined && group.some(({ ppid }) => ppid === pid)) return group.map(one => one.pid);
    if (performance.now() > deadline) throw new Error('the command did not begin');
    await sleep(POLL_MS);
  }
}

async function interruptOnce(player: Player, file: string): Promise<number> {
  const interrupted = player.play(LIMIT_MS, async agent => {
    // The shell's own pid; a child of it that a kill of the shell alone would leave behind.
    const result = await agent.call('bash', { command: `sh -c 'sleep 600 & echo $$ > ${file}; wait'` });
    if (result.closed_by !== 'interrupt') throw new Error(`the call was closed by ${result.closed_by}`);
  });
  interrupted.catch(() => {});
  const group = await groupOf(file);
  const began = performance.now();
  player.session.send({ type: 'user.interrupt' });
  while (group.some(pid => identify(pid) !== undefined)) {
    if (performance.now() - began > LIMIT_MS) throw new Error(`its processes live on: ${group.join(', ')}`);
    await sleep(POLL_MS);
  }
  const took = performance.now() - began;
  await interrupted;
  player.session.sendMessage('go on');
  return took;
}

export const interrupt: Workload = {
  name: 'interrupt',
  title: 'interrupt on the stream → process group dead',
  // The SDK's runners do not stop a tool at an interrupt.
  peers: DURABLE,
  key: MEDIAN_TIME,
  sessions: { quick: 1, normal: 1, full: 1 },
  modes: ALL_MODES,
  limitMs: LIMIT_MS * 2,
  prepare: async stage => {
    const [player] = await stage.players(1);
    if (player === undefined) throw new Error('no session');
    const notes = join(stage.folder, 'interrupts');
    await mkdir(notes, { recursive: true });
    let count = 0;
    const rounds = roundsOf(stage);
    await player.play(LIMIT_MS, agent =>
      serially(agent, times(1, { name: 'bash', input: { command: 'true' } })),
    );
    return () =>
      measure(stage, [player.id], async () => {
        const took: number[] = [];
        for (let i = 0; i < rounds; i++) took.push(await interruptOnce(player, join(notes, String(++count))));
        return { times: took, calls: rounds };
      });
  },
};

/** Who hears of it with the next heartbeat only takes seconds for each. */
function roundsOf({ mode, peer }: Stage): number {
  if (mode === 'quick' || peer.name !== 'holdfast') return 1;
  return mode === 'full' ? 20 : 8;
}
