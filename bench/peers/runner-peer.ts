/** A runner without Temporal: a process is started for the sessions that it is given, and forgets all when it ends. */
import type { TetheredProcess } from '../../src/dev/tethered-process.ts';
import type { OpenPeer, PeerName } from './peer.ts';
import { PeerProcesses } from './processes.ts';

const NO_SECOND = 'two runners of one session would both run its calls';

export function runnerPeer(
  name: PeerName,
  place: { readonly folder: string; readonly signal: AbortSignal },
  start: (sessionIds: readonly string[], logFile: string) => Promise<TetheredProcess>,
): OpenPeer {
  const processes = new PeerProcesses(place.folder, 'runner ready', place.signal);
  return {
    name,
    client: undefined,
    serve: async ids => void (await processes.start(logFile => start(ids, logFile))),
    forget: async () => {},
    workers: () => processes.pids(),
    toolHosts: async () => [],
    add: () => Promise.reject(new Error(NO_SECOND)),
    strike: (pid, how) => processes.strike(pid, how),
    close: () => processes.close(),
  };
}
