/** Holdfast as a user runs it: processes of bin/holdfast.js, and sessions started through its library. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSession } from '../../src/client.ts';
import { startLogged, without } from '../../src/dev/logged-process.ts';
import { listLiveHosts, sweepHosts } from '../../src/tool-host/sweep.ts';
import { terminateAll } from './forget.ts';
import { inBatches } from './in-batches.ts';
import type { OpenPeer, Peer, PeerPlace } from './peer.ts';
import { PeerProcesses } from './processes.ts';

const BIN = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
const TOOLS = fileURLToPath(new URL('../tools.ts', import.meta.url));

/** Workloads end their sessions themselves. */
const MAX_IDLE_MS = 3_600_000;

export const holdfast: Peer = {
  name: 'holdfast',
  title: 'Holdfast',
  prepare: async () => undefined,
  open,
};

async function open({ folder, apiUrl, temporal, sessions, env, signal }: PeerPlace): Promise<OpenPeer> {
  const { address, namespace, client } = temporal;
  // Short: Unix sockets live below it.
  const stateDir = join(folder, 's');
  const processes = new PeerProcesses(folder, 'worker ready', signal);
  const start = (logFile: string) =>
    startLogged({
      args: [BIN, 'worker'],
      env: {
        ...without(env, /^(ANTHROPIC|HOLDFAST|TEMPORAL)_/),
        ANTHROPIC_API_KEY: 'bench',
        ANTHROPIC_BASE_URL: apiUrl,
        TEMPORAL_ADDRESS: address,
        TEMPORAL_NAMESPACE: namespace,
        HOLDFAST_STATE_DIR: stateDir,
        HOLDFAST_TOOLS: TOOLS,
        HOLDFAST_MAX_HOSTS: String(Math.max(64, sessions)),
        // The emulator has no limit, and peers keep to none.
        HOLDFAST_READS_PER_MINUTE: '0',
      },
      cwd: folder,
      logFile,
    });
  const sweep = () => sweepHosts({ stateDir, isWanted: async () => false });
  await processes.start(start);
  return {
    name: 'holdfast',
    client,
    serve: ids => inBatches(ids, id => startSession(client, id, { maxIdleMs: MAX_IDLE_MS })),
    forget: ids => terminateAll(client, ids),
    workers: () => processes.pids(),
    toolHosts: async () => (await listLiveHosts(stateDir)).map(({ pid }) => pid),
    add: () => processes.start(start),
    strike: (pid, how) => processes.strike(pid, how),
    close: async () => {
      await processes.close();
      await sweep();
    },
  };
}
