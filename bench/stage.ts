/** Where one peer plays one workload: an emulated API, its folder, its processes, and what counts requests. */
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CreateOptions } from '../src/emulator/handle.ts';
import type { RequestEntry } from '../src/emulator/request-log.ts';
import { type Emulator, startEmulator } from '../src/emulator/server.ts';
import type { Mode } from './mode.ts';
import { inBatches } from './peers/in-batches.ts';
import type { OpenPeer, Peer, PeerPlace } from './peers/peer.ts';
import { Player } from './player.ts';
import type { BenchTemporal } from './temporal.ts';

export interface Stage {
  readonly peer: OpenPeer;
  readonly emulator: Emulator;
  readonly temporal: BenchTemporal;
  readonly mode: Mode;
  /** What --outage says, ms. */
  readonly outageMs: number | undefined;
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Requests that were answered so far. */
  requests(): number;
  /** Told of every answered request until the returned function is called. */
  onRequest(hear: (entry: RequestEntry) => void): () => void;
  /** Sessions that the peer serves and whose streams are open. */
  players(count: number, options?: Pick<CreateOptions, 'history'>): Promise<Player[]>;
  /** Terminates these sessions; resolves when their runs have ended. */
  finish(players: readonly Player[]): Promise<void>;
  close(): Promise<void>;
}

export interface StageOptions extends Omit<PeerPlace, 'apiUrl'> {
  readonly peer: Peer;
  readonly server: BenchTemporal;
  readonly mode: Mode;
  readonly outageMs?: number;
}

/** Streams of a thousand sessions on a busy server. */
const STREAMING_MS = 300_000;
const ENDED_MS = 60_000;
const POLL_MS = 5;

export async function openStage(options: StageOptions): Promise<Stage> {
  const { folder, server, mode, signal } = options;
  await mkdir(folder, { recursive: true });
  const hearers = new Set<(entry: RequestEntry) => void>();
  let requests = 0;
  const emulator = await startEmulator({
    requestLogLimit: 1,
    onRequest: entry => {
      requests++;
      for (const hear of hearers) hear(entry);
    },
  });
  let peer: OpenPeer;
  try {
    peer = await options.peer.open({ ...options, apiUrl: emulator.url });
  } catch (error) {
    await emulator.close();
    throw error;
  }
  const served: Player[] = [];

  async function players(count: number, create: Pick<CreateOptions, 'history'> = {}): Promise<Player[]> {
    const made = Array.from({ length: count }, () => new Player(emulator, create));
    served.push(...made);
    await peer.serve(made.map(({ id }) => id));
    const deadline = performance.now() + STREAMING_MS;
    const silent = new Set(made);
    for (;;) {
      for (const player of silent) if (player.session.info().streams > 0) silent.delete(player);
      if (silent.size === 0) break;
      signal.throwIfAborted();
      if (performance.now() > deadline)
        throw new Error(`${silent.size} of ${count} sessions are not listened to after ${STREAMING_MS} ms`);
      await sleep(POLL_MS);
    }
    for (const player of made) player.session.sendMessage('go');
    return made;
  }

  async function finish(players: readonly Player[]): Promise<void> {
    const { client } = peer;
    for (const { session } of players) session.agent.terminate();
    if (client === undefined) return;
    await inBatches(players, ({ id }) =>
      client.withDeadline(Date.now() + ENDED_MS, () => client.workflow.getHandle(id).result()),
    );
  }

  return {
    peer,
    emulator,
    temporal: server,
    mode,
    outageMs: options.outageMs,
    folder,
    signal,
    requests: () => requests,
    onRequest: hear => {
      hearers.add(hear);
      return () => hearers.delete(hear);
    },
    players,
    finish,
    close: async () => {
      await peer.forget(served.map(({ id }) => id)).catch(() => {});
      await peer.close();
      await emulator.close();
    },
  };
}
