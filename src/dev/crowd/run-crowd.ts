/**
 * A crowd: hundreds of sessions on one worker, against an API that cuts every stream after seconds and counts
 * reads as the real one does. At the end every call is held against what the tools did and what the API took.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSession } from '../../client.ts';
import { startEmulator } from '../../emulator/server.ts';
import { drain } from '../chaos/drain.ts';
import { createEffectsReader, effectsFile } from '../chaos/effects.ts';
import { openScene, type Scene } from '../chaos/scene.ts';
import { servedByHoldfast } from '../chaos/served.ts';
import { type ChaosTemporalOptions, openChaosTemporal } from '../chaos/temporal.ts';
import { lastWords, startLogged } from '../logged-process.ts';
import type { TetheredProcess } from '../tethered-process.ts';
import { membersOf } from './members.ts';
import { createPeople } from './people.ts';
import { type CrowdReport, crowdReport } from './report.ts';

export interface CrowdOptions extends Omit<ChaosTemporalOptions, 'folder'> {
  readonly sessions: number;
  /** Every stream is cut so long after it was opened, ms. */
  readonly cutEveryMs: number;
  /** What the worker may read a minute, and what the API takes. */
  readonly readsPerMinute: number;
  /** What all of it may take, ms. */
  readonly limitMs: number;
  /** What happens now, for people. */
  readonly stage: (text: string) => void;
}

const MAX_IDLE_MS = 3_000;
const READY_MS = 120_000;
const POLL_MS = 250;
const STOP_MS = 20_000;

/** @throws Error, for a person, where it cannot begin; the signal's reason. Leaves no process behind. */
export async function runCrowd(options: CrowdOptions): Promise<CrowdReport> {
  const scene = await openScene();
  const closers: (() => Promise<unknown>)[] = [() => scene.remove(), () => scene.endProcesses()];
  try {
    return await run(options, scene, closers);
  } finally {
    for (const close of closers.reverse()) await close().catch(() => {});
  }
}

async function run(
  options: CrowdOptions,
  scene: Scene,
  closers: (() => Promise<unknown>)[],
): Promise<CrowdReport> {
  const { sessions, signal, stage, readsPerMinute, limitMs } = options;
  const emulator = await startEmulator({
    requestLogLimit: 500_000,
    readLimit: { requests: readsPerMinute, windowMs: 60_000 },
  });
  closers.push(() => emulator.close());
  emulator.setFaults({ stream: { cut_every_ms: options.cutEveryMs } });
  stage('starting Temporal');
  const temporal = await openChaosTemporal({ ...options, folder: scene.folder });
  closers.push(() => temporal.close());
  stage('starting a worker');
  const place = { scene, env: options.env, apiUrl: emulator.url, tools: scene.toolsModule };
  const { workers } = servedByHoldfast(place, temporal);
  const logFile = join(scene.logs, 'worker.log');
  const worker = await startLogged({
    args: workers.args[0],
    env: {
      ...workers.env,
      HOLDFAST_READS_PER_MINUTE: String(readsPerMinute),
      // A session that hears of its calls half a minute apart would find its host closed for another's each time.
      HOLDFAST_MAX_HOSTS: String(sessions),
    },
    cwd: scene.folder,
    logFile,
  });
  closers.push(() => worker.stop(STOP_MS));
  await ready(worker, logFile, workers.readyText, signal);

  const crowd = membersOf(sessions).map(member => {
    const session = emulator.createSession({ title: `crowd ${member.name}`, script: member.script });
    return [member, session] as const;
  });
  const handles = crowd.map(([, session]) => session);
  const effects = createEffectsReader(effectsFile(scene.folder));
  const start = async (id: string) => {
    await startSession(temporal.client, id, { maxIdleMs: MAX_IDLE_MS });
  };
  const people = createPeople(crowd, emulator.url, effects, start);
  const began = performance.now();
  stage(`starting ${sessions} sessions`);
  await Promise.all(handles.map(({ id }) => start(id)));
  for (const session of handles) session.sendMessage('go');

  const over = new AbortController();
  const acting = actUntil(people, over.signal);
  const { stuck } = await drain(handles, temporal.client, {
    limitMs,
    signal,
    left: count => stage(`${count} of ${sessions} sessions have not ended yet`),
  }).finally(() => over.abort());
  const troubles = await acting;
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  return crowdReport({
    crowd,
    counts: effects.counts(),
    stuck: [...stuck, ...troubles],
    requests: emulator
      .requests()
      .filter(({ headers }) => headers['x-stainless-helper']?.includes('holdfast')),
    readBudget: readsPerMinute,
    seconds,
    workerMb: await peakMb(worker.pid),
    cpus: availableParallelism(),
  });
}

/** @returns what went wrong, which ends it. */
async function actUntil(people: ReturnType<typeof createPeople>, over: AbortSignal): Promise<string[]> {
  while (!over.aborted) {
    try {
      await people.act();
    } catch (error) {
      return [`the people cannot go on: ${(error as Error).message}`];
    }
    await sleep(POLL_MS);
  }
  return [];
}

async function ready(
  worker: TetheredProcess,
  logFile: string,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  let ended = false;
  void worker.exited.then(() => {
    ended = true;
  });
  const deadline = performance.now() + READY_MS;
  while (!(await readFile(logFile, 'utf8')).includes(text)) {
    signal.throwIfAborted();
    if (ended || performance.now() > deadline)
      throw new Error(`the worker does not serve: ${await lastWords(logFile)}`);
    await sleep(POLL_MS);
  }
}

async function peakMb(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kb = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  return Number.isNaN(kb) ? null : Math.round(kb / 1_024);
}
