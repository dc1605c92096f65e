/**
 * Chaos: many sessions on two workers, and whatever the plan strikes, while tools alone write down what they did.
 * At the end every call is held against that.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { SessionHandle } from '../../emulator/handle.ts';
import { type Emulator, startEmulator } from '../../emulator/server.ts';
import { clearFaults } from './api-faults.ts';
import { goOn, startRun } from './backend.ts';
import { createCallMix } from './call-mix.ts';
import { drain } from './drain.ts';
import { createEffectsReader, effectsFile } from './effects.ts';
import { gather } from './evidence.ts';
import { writeEvidence } from './evidence-files.ts';
import { planOf, type Victim } from './plan.ts';
import { createPlayers, type Players } from './player.ts';
import { createRandom } from './random.ts';
import { type ChaosReport, reportOf } from './report.ts';
import { openScene, type Scene } from './scene.ts';
import { servedByHoldfast, servedBySdk } from './served.ts';
import { takeSnapshot } from './snapshot.ts';
import { Striker, type Struck } from './striker.ts';
import { type ChaosTemporalOptions, openChaosTemporal } from './temporal.ts';
import type { UserTools } from './user-tools.ts';
import { SLOTS, Workers } from './workers.ts';

export interface ChaosOptions extends Omit<ChaosTemporalOptions, 'folder'> {
  readonly runner: 'holdfast' | 'sdk';
  readonly seed: number;
  readonly kills: number;
  /** Ends the kills even if not all were made, ms from the first. */
  readonly durationMs: number;
  readonly victims: readonly Victim[];
  readonly sessions: number;
  /** What sessions may take to end after the last kill, ms. */
  readonly limitMs: number;
  /** What happens now, for people. */
  readonly stage: (text: string) => void;
  /** The command that runs the same plan. */
  readonly repeat: string;
  /** The user's own; absent: those of chaos. */
  readonly tools?: Extract<UserTools, { kind: 'usable' }>;
  /** Leaves the folder also when all was well. */
  readonly keep: boolean;
}

export interface ChaosResult {
  readonly report: ChaosReport;
  /** The folder that was kept as evidence; undefined when all was well. */
  readonly kept: string | undefined;
}

type Closers = (() => Promise<void>)[];

/** @throws the signal's reason; Error, for a person, where it cannot begin. Leaves no process behind in any case. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const scene = await openScene();
  const closers: Closers = [() => scene.endProcesses()];
  let isEvidence = false;
  try {
    const report = await run(options, scene, closers);
    isEvidence = options.keep || !report.ok;
    return { report, kept: isEvidence ? scene.folder : undefined };
  } catch (error) {
    // Only where tools have run is there anything to look at.
    isEvidence = !options.signal.aborted && existsSync(effectsFile(scene.folder));
    if (!isEvidence) throw error;
    throw new Error(`${(error as Error).message} (evidence: ${scene.folder})`, { cause: error });
  } finally {
    options.stage('cleaning up');
    const failures: unknown[] = [];
    for (const close of closers.reverse()) await close().catch(error => failures.push(error));
    if (!isEvidence) await scene.remove().catch(error => failures.push(error));
    if (failures.length > 0) options.stage(`could not clean up: ${failures.map(String).join('; ')}`);
  }
}

/** The workers' key file, if it comes to one, is in their state folder. */
function temporalOf(options: ChaosOptions, { folder, stateDir }: Scene): ChaosTemporalOptions {
  const { encryption } = options;
  return { ...options, folder, ...(encryption && { encryption: { ...encryption, stateDir } }) };
}

async function run(options: ChaosOptions, scene: Scene, closers: Closers): Promise<ChaosReport> {
  const { seed, stage, signal } = options;
  const emulator = await startEmulator({ requestLogLimit: 100 });
  closers.push(() => emulator.close());
  clearFaults(emulator);
  stage('starting Temporal');
  const temporal =
    options.runner === 'holdfast' ? await openChaosTemporal(temporalOf(options, scene)) : undefined;
  if (temporal !== undefined) closers.push(() => temporal.close());
  const players = createPlayers(
    (id, afterMs) => void goOn(emulator.session(id), temporal?.client, afterMs, signal),
  );
  const sessions = createSessions(emulator, players, scene, options);
  const ids = sessions.map(({ id }) => id);
  const tools = options.tools?.path ?? scene.toolsModule;
  const place = { scene, env: options.env, apiUrl: emulator.url, tools };
  const served = temporal === undefined ? servedBySdk(place, ids) : servedByHoldfast(place, temporal);
  const workers = new Workers(served.workers);
  closers.push(() => workers.close());
  stage('starting two workers');
  await Promise.all(SLOTS.map(slot => workers.start(slot)));
  await Promise.all(SLOTS.map(slot => workers.ready(slot, signal)));
  if (temporal !== undefined) for (const id of ids) await startRun(temporal.client, id);
  const began = Date.now();
  for (const session of sessions) session.sendMessage('go');

  const effects = createEffectsReader(effectsFile(scene.folder));
  // A user's tool leaves no line: once it is marked it counts as running.
  const tookEffect = (id: string, started: boolean) =>
    options.tools === undefined ? effects.counts().has(players.made.get(id)?.label ?? '') : started;
  const stateDir = temporal === undefined ? undefined : scene.stateDir;
  const snapshot = () => takeSnapshot({ sessions, stateDir, tookEffect });
  const random = createRandom(seed, 'strikes');
  const enough = sessions.length * 2;
  const striker = new Striker({
    workers,
    emulator,
    temporal,
    stateDir: scene.stateDir,
    random,
    snapshot,
    made: () => players.made.size,
    enough,
    signal,
  });
  const strikes = await strikeAll(options, striker, players);

  stage('everything is up again: the sessions come to their end');
  players.end();
  const { stuck } = await drain(sessions, temporal?.client, {
    limitMs: options.limitMs,
    signal,
    left: count => stage(`${count} sessions have not ended yet`),
  });
  const gathered = gather({
    sessions,
    made: players.made,
    effects,
    workspaceOf: served.workspaceOf,
    startsOf: (sessionId, callId) => served.startsOf(sessionId, callId, effects),
    strikes,
  });
  const { runner, repeat } = options;
  const report = reportOf(
    {
      runner,
      seed,
      sessions: sessions.length,
      at: new Date(began).toISOString(),
      cpus: availableParallelism(),
      node: process.version,
      tookMs: Date.now() - began,
      repeat,
    },
    { ...gathered, strikes, stuck, endedByThemselves: workers.selfEnded },
  );
  await writeEvidence(scene.folder, report, strikes, gathered);
  return report;
}

function createSessions(
  emulator: Emulator,
  players: Players,
  scene: Scene,
  options: ChaosOptions,
): SessionHandle[] {
  const { seed, sessions } = options;
  return Array.from({ length: sessions }, (_, i) => {
    const name = `s${i + 1}`;
    const random = createRandom(seed, name);
    const mix = options.tools?.mix(name, random) ?? createCallMix(name, scene.folder, random);
    return emulator.createSession({ title: `chaos ${name}`, script: players.script(mix, random) });
  });
}

async function strikeAll(options: ChaosOptions, striker: Striker, players: Players): Promise<Struck[]> {
  const { kills, durationMs, stage, signal } = options;
  const plan = planOf(options);
  const strikes: Struck[] = [];
  const deadline = performance.now() + durationMs;
  while (strikes.length < kills && performance.now() < deadline) {
    const struck = await striker.strike(plan.next().value);
    strikes.push(struck);
    const { victim, act, caught } = struck;
    stage(
      `strike ${strikes.length}${Number.isFinite(kills) ? ` of ${kills}` : ''}: ${victim} ${act}, ${caught.length} calls in flight, ${players.made.size} made`,
    );
  }
  await striker.calm();
  signal.throwIfAborted();
  return strikes;
}
