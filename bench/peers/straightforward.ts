/** The straightforward Temporal program (bench/straightforward) as a peer. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startLogged, without } from '../../src/dev/logged-process.ts';
import { SESSIONS } from '../straightforward/messages.ts';
import type { session } from '../straightforward/workflows.ts';
import { terminateAll } from './forget.ts';
import { inBatches } from './in-batches.ts';
import type { OpenPeer, Peer, PeerPlace } from './peer.ts';
import { PeerProcesses } from './processes.ts';

const MAIN = fileURLToPath(new URL('../straightforward/main.ts', import.meta.url));
const TOOLS = fileURLToPath(new URL('../tools.ts', import.meta.url));
const MAX_IDLE_MS = 3_600_000;

export const straightforward: Peer = {
  name: 'straightforward',
  title: 'straightforward Temporal program',
  prepare: async () => undefined,
  open,
};

async function open({ folder, apiUrl, temporal, env, signal }: PeerPlace): Promise<OpenPeer> {
  const { address, namespace, client } = temporal;
  const processes = new PeerProcesses(folder, 'worker ready', signal);
  const start = (logFile: string) =>
    startLogged({
      args: [MAIN],
      env: {
        ...without(env, /^(ANTHROPIC|HOLDFAST|TEMPORAL)_/),
        ANTHROPIC_API_KEY: 'bench',
        ANTHROPIC_BASE_URL: apiUrl,
        TEMPORAL_ADDRESS: address,
        TEMPORAL_NAMESPACE: namespace,
        WORKSPACES: join(folder, 'workspaces'),
        TOOLS,
      },
      cwd: folder,
      logFile,
    });
  await processes.start(start);
  return {
    name: 'straightforward',
    client,
    serve: ids =>
      inBatches(ids, id =>
        client.workflow.start<typeof session>('session', {
          workflowId: id,
          taskQueue: SESSIONS,
          args: [{ sessionId: id, idleMs: MAX_IDLE_MS }],
        }),
      ),
    forget: ids => terminateAll(client, ids),
    workers: () => processes.pids(),
    toolHosts: async () => [],
    add: () => processes.start(start),
    strike: (pid, how) => processes.strike(pid, how),
    close: () => processes.close(),
  };
}
