/** This worker's connections to the tool hosts of this machine, one per session and incarnation. */
import { ToolHostClient } from '../tool-host/client.ts';
import { sessionPaths } from '../tool-host/paths.ts';
import type { Workspace } from '../workflows/run-input.ts';

export interface Hosts {
  client(sessionId: string, workspace: Workspace): ToolHostClient;
  /** Drops the connections of a session, or of all. */
  drop(sessionId?: string): void;
}

/** @param stateDir absolute path of the state folder. */
export function createHosts(stateDir: string): Hosts {
  const clients = new Map<string, { incarnation: string; client: ToolHostClient }>();
  return {
    client(sessionId, { incarnation }) {
      const known = clients.get(sessionId);
      if (known?.incarnation === incarnation) return known.client;
      known?.client.destroy();
      const client = new ToolHostClient({
        socketPath: sessionPaths(stateDir, sessionId).socket,
        incarnation,
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
  };
}
