/** The console's data, from Temporal and from this machine's journals. */
import type { Client } from '@temporalio/client';
import { askOnce } from '../client/asking.ts';
import { answerApproval, heldCalls, heldCallsOf } from '../client/held-calls.ts';
import { readCallOutput } from '../tool-host/call-output.ts';
import { knownHostId } from '../tool-host/host-id.ts';
import { heldMemory } from './held-memory.ts';
import { kept } from './kept.ts';
import { listSessions, WAITING_QUERY } from './session-list.ts';
import { sessionReader, WORKER_MS } from './session-reading.ts';
import type { ConsoleSource, SessionFilter } from './source.ts';

export interface TemporalSourceOptions {
  readonly client: Client;
  /** Where this machine's journals are. */
  readonly stateDir: string;
}

/** However many look, each thing is asked for about once a second. */
const PAUSE_MS = 900;
const SERVER_MS = 5_000;

export function temporalSource({ client, stateDir }: TemporalSourceOptions): ConsoleSource {
  const readSession = sessionReader(client);
  const sessions = kept(
    key =>
      askOnce(client, () => listSessions(client, JSON.parse(key) as SessionFilter), { limitMs: SERVER_MS }),
    PAUSE_MS,
  );
  const session = kept(key => {
    const [id = '', runId] = JSON.parse(key) as [string, string?];
    return readSession(id, runId);
  }, PAUSE_MS);
  const remember = heldMemory();
  const held = kept(async () => remember(await heldCalls(client, { limitMs: WORKER_MS })), PAUSE_MS);
  const waiting = kept(
    () => askOnce(client, () => client.workflow.count(WAITING_QUERY), { limitMs: SERVER_MS }),
    2 * PAUSE_MS,
  );
  const sessionKey = (id: string, runId?: string) => JSON.stringify(runId === undefined ? [id] : [id, runId]);
  return {
    sessions: filter => sessions(JSON.stringify(filter)),
    session: (id, runId) => session(sessionKey(id, runId)),
    held: () => held(''),
    heldOf: id => heldCallsOf(client, id, WORKER_MS),
    waiting: async () => (await waiting('')).count,
    async answer(id, answer) {
      const taken = await answerApproval(client, id, answer);
      held.forget('');
      session.forget(sessionKey(id));
      return taken;
    },
    output: asked => readCallOutput({ stateDir, ...asked }),
    thisHost: () => knownHostId(stateDir).catch(() => undefined),
  };
}
