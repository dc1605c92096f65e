/** This worker's connections to the tool hosts of this machine, one per session and incarnation. */
import { ToolHostClient } from '../tool-host/client.ts';
import { sessionPaths } from '../tool-host/paths.ts';
import type { Workspace } from '../workflows/run-input.ts';

export interface Hosts {
  client(sessionId: string, workspace: Workspace): ToolHostClient;
  /** Drops the connections of a session, or of all. */
  drop(sessionId?: string): void;
  /** Drops those of all sessions but these: a host may have ended without this worker's doing (I11). */
  keepOnly(sessionIds: ReadonlySet<string>): void;
}

/** How long a request may stay unanswered before the host itself is looked at. */
const ANSWER_MS = 30_000;

/**
 * @param stateDir absolute path of the state folder.
 * @param hungAfterMs after which a silent host is killed; nothing waits longer for an answer.
 */
export function createHosts(stateDir: string, hungAfterMs = ANSWER_MS): Hosts {
  const clients = new Map<string, { incarnation: string; client: ToolHostClient }>();
  const hosts: Hosts = {
    client(sessionId, { incarnation }) {
      const known = clients.get(sessionId);
      if (known?.incarnation === incarnation) return known.client;
      known?.client.destroy();
      const client = new ToolHostClient({
        socketPath: sessionPaths(stateDir, sessionId).socket,
        incarnation,
        answerMs: Math.min(ANSWER_MS, hungAfterMs),
      });
      clients.set(sessionId, { incarnation, client });
      return client;
    },
    drop(sessionId) {
      for (const id of sessionId === undefined ? [...clients.keys()] : [sessionId]) {
        clients.get(id)?.client.destroy();
        clients.delete(id);
      }
    },
    keepOnly(sessionIds) {
      for (const id of [...clients.keys()]) if (!sessionIds.has(id)) hosts.drop(id);
    },
  };
  return hosts;
}
