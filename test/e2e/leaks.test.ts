/**
 * After many sessions nothing of them is left (I11): no process, socket, descriptor or file. HOLDFAST_LEAK_SESSIONS
 * says how many; the figures are printed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from './support/eventually.ts';
import { toolProcesses } from './support/leftovers.ts';
import { type World, world } from './support/world.ts';

const SESSIONS = Number(process.env.HOLDFAST_LEAK_SESSIONS ?? 40);
const WARM_UP = 20;
const AT_A_TIME = 8;

interface Figures {
  readonly sessions: number;
  readonly rssMb: number;
  readonly descriptors: number;
  readonly threads: number;
  readonly children: number;
  readonly zombies: number;
}

/** What the worker's process holds. */
function figures(pid: number, sessions: number): Figures {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const children = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => childState(name, pid));
  return {
    sessions,
    rssMb: Math.round(field('VmRSS') / 1024),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: field('Threads'),
    children: children.length,
    zombies: children.filter(state => state === 'Z').length,
  };
}

function childState(name: string, parent: number): string[] {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
    const [state = '', ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(ppid) === parent ? [state] : [];
  } catch {
    return [];
  }
}

/** One turn with a call or two; every third session is then archived. */
async function serve(w: World, i: number): Promise<void> {
  const ends = i % 3 === 0;
  const session = w.session(async agent => {
    await agent.call('bash', { command: `echo ${i} > file; (sleep 300 &) ; cat file` });
    if (i % 2 === 0) await agent.call('read', { file_path: 'file' });
  });
  const handle = await w.begin(session.id, { maxIdleMs: ends ? 60_000 : 300 });
  if (ends) {
    await session.wait('idle', { timeoutMs: 120_000 });
    session.archive();
  }
  const { calls } = await handle.result();
  if (calls.some(({ posted, isError }) => !posted || isError)) throw new Error(JSON.stringify(calls));
}

async function serveAll(w: World, from: number, to: number): Promise<void> {
  let next = from;
  const lane = async () => {
    while (next < to) await serve(w, next++);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
}

/** Whether the state folder holds nothing of any session; the worker's own folder is there while it lives. */
function remains(w: World): string[] {
  const names = (folder: string) => readdirSync(join(w.stateDir, folder)).map(name => `${folder}/${name}`);
  const tokens = readdirSync(join(w.stateDir, 'workers')).flatMap(worker =>
    names(join('workers', worker)).filter(name => name.endsWith('.token')),
  );
  // An open listener's token, if any, is no leak of a session that has ended: there is none.
  return [...names('sessions'), ...names('run'), ...tokens];
}

it(`${WARM_UP + SESSIONS} sessions leave nothing behind`, { timeout: 3_600_000 }, async context => {
  const env = { HOLDFAST_KEEP: '1s', HOLDFAST_SWEEP: '1s' };
  const w = await world(context, { env });
  const worker = await w.worker();
  await serveAll(w, 0, WARM_UP);
  await eventually('all is removed', () => remains(w).length === 0);
  const before = figures(worker.pid, WARM_UP);
  console.info(before);
  for (let done = 0; done < SESSIONS; done += 250) {
    await serveAll(w, WARM_UP + done, WARM_UP + Math.min(done + 250, SESSIONS));
    console.info(figures(worker.pid, WARM_UP + Math.min(done + 250, SESSIONS)));
  }
  await eventually(`nothing remains: ${remains(w).slice(0, 5)}`, () => remains(w).length === 0);
  expect(toolProcesses(w.stateDir)).toEqual([]);
  // Connections of the SDKs come and go by the handful; a leak is one for each session.
  await eventually('descriptors are given back', () => {
    const now = figures(worker.pid, SESSIONS);
    return now.descriptors <= before.descriptors + 10 && now.children === 0 && now.zombies === 0;
  });
  const after = figures(worker.pid, WARM_UP + SESSIONS);
  console.info(after);
  expect(after.threads).toBeLessThanOrEqual(before.threads + 4);
});
