/** Runs workloads one after the other: all peers are set up, then their repetitions take turns (A-B-A-B). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Env } from '../src/dev/child-env.ts';
import type { GivenTemporal } from '../src/dev/temporal-connection.ts';
import { errorLine } from '../src/error-text.ts';
import type { Mode } from './mode.ts';
import { type Peer, type PeerName, YARDSTICK } from './peers/peer.ts';
import { type BenchRecord, FORMAT, type PeerRecord, type WorkloadRecord } from './record.ts';
import type { Sample } from './sample.ts';
import { openStage, type Stage } from './stage.ts';
import { ratioOf } from './statistics/ratio.ts';
import { summaryOf } from './statistics/summary.ts';
import { type BenchTemporal, openBenchTemporal, type ServerKind } from './temporal.ts';
import { machine, versions } from './versions.ts';
import type { Workload } from './workloads/workload.ts';

export interface BenchOptions {
  readonly mode: Mode;
  readonly repetitions: number;
  readonly workloads: readonly Workload[];
  readonly peers: readonly Peer[];
  readonly server: ServerKind;
  readonly outageMs?: number;
  readonly given: GivenTemporal;
  readonly env: Env;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  /** What happens now, for people. */
  readonly stage: (text: string) => void;
  /** Told of each workload when it is over. */
  readonly done: (record: WorkloadRecord) => void;
}

const PREPARE_MS = 600_000;
const CLOSE_MS = 120_000;

/** @throws Error, for a person, where it cannot begin; the signal's reason. Leaves no process behind. */
export async function runBench(options: BenchOptions): Promise<BenchRecord> {
  const { stage } = options;
  const began = performance.now();
  const at = new Date().toISOString();
  const on = machine();
  const peers: Peer[] = [];
  const skipped: { peer: PeerName; reason: string }[] = [];
  for (const peer of options.peers) {
    const reason = await peer.prepare(options);
    if (reason === undefined) peers.push(peer);
    else skipped.push({ peer: peer.name, reason });
  }
  // A short name: Unix sockets live below it, whose paths hold about 100 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'hf-bench-'));
  let temporal: BenchTemporal | undefined;
  const shared = new Map<PeerName, Stage>();
  try {
    stage('starting Temporal');
    temporal = await openBenchTemporal({ ...options, kind: options.server, folder });
    const server = { kind: temporal.kind, version: temporal.version };
    const namespaces = new Map<PeerName, Place>();
    for (const { name } of peers)
      namespaces.set(name, { address: temporal.address, ...(await temporal.namespace()) });
    const workloads: WorkloadRecord[] = [];
    for (const workload of options.workloads) {
      const able = peers.filter(({ name }) => workload.peers.includes(name));
      const cast = { options, peers: able, folder, temporal, namespaces, shared };
      const record = await runWorkload(workload, cast);
      workloads.push(record);
      options.done(record);
    }
    const seconds = Math.round((performance.now() - began) / 1_000);
    const { mode, repetitions } = options;
    const about = { at, seconds, mode, repetitions, machine: on, versions: versions() };
    return { format: FORMAT, ...about, server, skipped, workloads };
  } finally {
    for (const one of shared.values()) await closed(one);
    await temporal?.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

interface Place {
  readonly address: string;
  readonly namespace: string;
  readonly client: Client;
}

interface Cast {
  readonly options: BenchOptions;
  readonly peers: readonly Peer[];
  readonly folder: string;
  readonly temporal: BenchTemporal;
  readonly namespaces: ReadonlyMap<PeerName, Place>;
  /** The stages of a quick run, which has no time to start each peer anew for every workload. */
  readonly shared: Map<PeerName, Stage>;
}

interface Part {
  readonly peer: Peer;
  readonly samples: Sample[];
  stage: Stage | undefined;
  repeat: (() => Promise<Sample>) | undefined;
  failure: string | null;
}

async function runWorkload(workload: Workload, cast: Cast): Promise<WorkloadRecord> {
  const { signal, stage: say } = cast.options;
  const began = performance.now();
  const parts = cast.peers.map(
    (peer): Part => ({ peer, samples: [], stage: undefined, repeat: undefined, failure: null }),
  );
  const attempt = async (part: Part, limitMs: number, work: () => Promise<void>) => {
    if (part.failure !== null) return;
    try {
      await within(limitMs, signal, work());
    } catch (error) {
      signal.throwIfAborted();
      part.failure = errorLine(error);
    }
  };
  try {
    say(`${workload.name}: setting up ${cast.peers.map(({ name }) => name).join(', ')}`);
    await Promise.all(parts.map(part => attempt(part, PREPARE_MS, () => setUp(part, workload, cast))));
    for (const part of parts) {
      say(`${workload.name}: warming up ${part.peer.name}`);
      await attempt(part, PREPARE_MS, async () => {
        if (part.stage !== undefined) part.repeat = await workload.prepare(part.stage);
      });
    }
    const repetitions = Math.min(cast.options.repetitions, workload.most ?? Number.POSITIVE_INFINITY);
    for (let i = -(cast.options.mode === 'quick' ? 0 : (workload.warmUps ?? 1)); i < repetitions; i++) {
      for (const part of parts) {
        const which = i < 0 ? 'warm-up' : `${i + 1} of ${repetitions}`;
        say(`${workload.name}: ${part.peer.name}, ${which}`);
        await attempt(part, workload.limitMs, async () => {
          const sample = await part.repeat?.();
          if (i >= 0 && sample !== undefined) part.samples.push(sample);
        });
      }
    }
  } finally {
    say(`${workload.name}: clearing up`);
    // One after the other: several at once would only wait for each other's processes.
    if (cast.options.mode !== 'quick') for (const { stage } of parts) await closed(stage);
  }
  const { name, title, key } = workload;
  const seconds = Math.round((performance.now() - began) / 1_000);
  const { label, unit, better } = key;
  return { name, title, key: { label, unit, better }, seconds, peers: recordsOf(parts, workload) };
}

async function setUp(part: Part, workload: Workload, cast: Cast): Promise<void> {
  const { options, temporal, folder, namespaces } = cast;
  const { env, cacheDir, signal, mode, outageMs } = options;
  const { name } = part.peer;
  const known = cast.shared.get(name);
  if (known !== undefined) {
    part.stage = known;
    return;
  }
  const place = namespaces.get(name);
  if (place === undefined) throw new Error(`no namespace for ${name}`);
  const own = join(folder, `${workload.name}-${name.slice(0, 3)}`);
  part.stage = await openStage({
    ...{ peer: part.peer, folder: own, temporal: place, server: temporal, mode, env, cacheDir, signal },
    sessions: workload.sessions[mode],
    ...(outageMs === undefined ? {} : { outageMs }),
  });
  if (mode === 'quick') cast.shared.set(name, part.stage);
}

async function closed(stage: Stage | undefined): Promise<void> {
  await Promise.race([stage?.close().catch(() => {}), sleep(CLOSE_MS, undefined, { ref: false })]);
}

function recordsOf(parts: readonly Part[], { key }: Workload): PeerRecord[] {
  const keysOf = (part: Part | undefined) => (part?.samples ?? []).map(sample => key.of(sample));
  const yardstick = parts.find(({ peer }) => peer.name === YARDSTICK);
  return parts.map(part => ({
    peer: part.peer.name,
    samples: part.samples,
    summary: summaryOf(part.samples, key),
    ratio: part === yardstick ? null : (ratioOf(keysOf(part), keysOf(yardstick)) ?? null),
    failure: part.failure,
  }));
}

/** @throws Error after `limitMs`; the signal's reason. What is given up on goes on until its stage is closed. */
async function within(limitMs: number, signal: AbortSignal, work: Promise<void>): Promise<void> {
  work.catch(() => {});
  const over = new AbortController();
  const either = AbortSignal.any([over.signal, signal]);
  const late = sleep(limitMs, undefined, { signal: either }).then(() => {
    throw new Error(`not over after ${Math.round(limitMs / 1_000)} s`);
  });
  late.catch(() => {});
  try {
    await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}
