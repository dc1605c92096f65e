/** What calls cost and how large a machine has to be, derived from one run's record. Pure. */
import type { PeerName } from '../peers/peer.ts';
import type { BenchRecord } from '../record.ts';
import type { Summary } from '../statistics/summary.ts';
import { DURABLE } from '../workloads/workload.ts';
import { number, PEER_NAMES, table } from './table.ts';

/** What a thousand no-op calls of one session take, beside their tools. */
export function costTable(record: BenchRecord): string {
  const rows = DURABLE.map(peer => {
    const perCall = summaryIn(record, 'no-op', peer).perCall;
    return [
      PEER_NAMES[peer],
      ...[perCall?.workerCpu, perCall?.toolHostCpu, perCall?.serverCpu].map(number),
      ...[perCall?.actions, perCall?.historyEvents].map(thousand),
      number(perCall?.historyBytes === undefined ? undefined : perCall.historyBytes / 1_000),
      thousand(perCall?.requests),
    ];
  });
  return table(
    [
      '1,000 calls',
      ...['CPU s: worker', 'tool host', 'server'],
      ...['Temporal Actions', 'history events', 'history MB', 'API requests'],
    ],
    rows,
  );
}

function thousand(value: number | undefined): string {
  return number(value === undefined ? undefined : Math.round(value * 1_000));
}

/** Sessions that a deployment listens to at the same time. */
const SESSIONS = [10, 100, 1_000];
/** Seconds from one call of a session to its next. */
const EVERY = 30;
/** The part of a core that is used: the rest is for when many call at once. */
const USED = 0.6;

/**
 * Cores and memory for sessions that each make a call every 30 s. The tools' own needs come on top. It takes the cost
 * of a call under load, and a tool host for each session.
 */
export function sizingTable(record: BenchRecord): string {
  const { perCall: busy, memory } = summaryIn(record, 'sessions-50', 'holdfast');
  const { figures } = summaryIn(record, 'listening-1000', 'holdfast');
  const [each, base] = [figures['worker PSS a session, MB'], figures['worker PSS with one session, MB']];
  const hostMb = memory?.toolHostPss === undefined ? undefined : memory.toolHostPss / 1_048_576;
  const rows = SESSIONS.map(sessions => {
    const rate = sessions / EVERY;
    const cores = (ms: number | undefined) => (ms === undefined ? undefined : (rate * ms) / 1_000 / USED);
    return [
      ...[sessions, rate].map(number),
      ...[busy?.workerCpu, busy?.toolHostCpu, busy?.serverCpu].map(ms => number(cores(ms))),
      number(each === undefined || base === undefined ? undefined : Math.round(base + each * sessions)),
      number(hostMb === undefined ? undefined : Math.round(hostMb * sessions)),
    ];
  });
  return table(
    [
      ...['sessions', 'calls/s'],
      ...['cores: workers', 'tool hosts', 'Temporal server'],
      ...['workers’ memory, MB', 'tool hosts’ memory, MB'],
    ],
    rows,
  );
}

/** @throws Error where the record has no such workload of that peer. */
function summaryIn(record: BenchRecord, workload: string, peer: PeerName): Summary {
  const found = record.workloads
    .find(({ name }) => name === workload)
    ?.peers.find(one => one.peer === peer && one.failure === null);
  if (found === undefined)
    throw new Error(`the record has no ${workload} of ${peer}: run npm run bench without --only`);
  return found.summary;
}
