/** What became of a crowd, from the ledgers of the API and of the tools, and what it cost the API. */
import type { SessionHandle } from '../../emulator/handle.ts';
import type { RequestEntry } from '../../emulator/request-log.ts';
import type { Member, PlannedCall } from './members.ts';

export interface CrowdReport {
  readonly ok: boolean;
  readonly sessions: number;
  readonly seconds: number;
  readonly calls: number;
  readonly answered: number;
  readonly denied: number;
  readonly interrupted: number;
  /** Calls whose tool took effect more than once. */
  readonly doubled: number;
  /** Calls that did not end as they should have. */
  readonly wrong: readonly string[];
  /** Sessions that did not end, or not well. */
  readonly stuck: readonly string[];
  readonly streams: number;
  readonly requests: {
    readonly reads: number;
    readonly posts: number;
    /** The most in any 60 s. */
    readonly readsInBusiestMinute: number;
    readonly postsInBusiestMinute: number;
    readonly readBudget: number;
    /** Answers 429, from an API that counts reads by the same budget. */
    readonly limited: number;
  };
  /** Most memory that the worker process held; null where the system does not tell. */
  readonly workerMb: number | null;
  readonly cpus: number;
  readonly node: string;
}

export interface CrowdEvidence {
  readonly crowd: readonly (readonly [Member, SessionHandle])[];
  readonly counts: ReadonlyMap<string, number>;
  readonly stuck: readonly string[];
  /** Of the worker alone. */
  readonly requests: readonly RequestEntry[];
  readonly readBudget: number;
  readonly seconds: number;
  readonly workerMb: number | null;
  readonly cpus: number;
}

const MINUTE = 60_000;

export function crowdReport(evidence: CrowdEvidence): CrowdReport {
  const { crowd, counts, stuck, requests, readBudget, seconds, workerMb, cpus } = evidence;
  const planned = crowd.flatMap(([member]) => member.calls);
  const wrong = crowd.flatMap(([member, session]) => wrongOf(member, session, counts));
  const doubled = planned.filter(({ label }) => (counts.get(label) ?? 0) > 1).length;
  const reads = requests.filter(({ method }) => method === 'GET');
  const posts = requests.filter(({ method }) => method === 'POST');
  const limited = requests.filter(({ status }) => status === 429).length;
  const readsInBusiestMinute = busiestMinute(reads);
  const fates = (fate: PlannedCall['fate']) => planned.filter(call => call.fate === fate).length;
  return {
    ok: wrong.length + stuck.length + doubled + limited === 0 && readsInBusiestMinute <= readBudget,
    sessions: crowd.length,
    seconds,
    calls: planned.length,
    answered: fates('answered'),
    denied: fates('denied'),
    interrupted: fates('interrupted'),
    doubled,
    wrong,
    stuck,
    streams: reads.filter(({ route }) => route === 'stream').length,
    requests: {
      reads: reads.length,
      posts: posts.length,
      readsInBusiestMinute,
      postsInBusiestMinute: busiestMinute(posts),
      readBudget,
      limited,
    },
    workerMb,
    cpus,
    node: process.version,
  };
}

/** One line for each call of a session that is not what it should be. */
function wrongOf(member: Member, session: SessionHandle, counts: ReadonlyMap<string, number>): string[] {
  const { calls } = session.ledger();
  return member.calls.flatMap(({ label, fate }) => {
    const call = calls.find(({ input }) => (input as { label?: unknown }).label === label);
    const effects = counts.get(label) ?? 0;
    const found = `${call?.accepted.length ?? 'no'} results, closed by ${call?.closed_by}, ${effects} effects`;
    const posts = fate === 'answered' ? 1 : 0;
    const right =
      call?.accepted.length === posts &&
      effects === posts &&
      (fate === 'answered' ? call.closed_by === 'result' : call.closed_by !== null);
    return right ? [] : [`${session.id} ${label} (${fate}): ${found}`];
  });
}

/** @param entries oldest first. */
export function busiestMinute(entries: readonly Pick<RequestEntry, 'at'>[]): number {
  let most = 0;
  let first = 0;
  for (const [index, { at }] of entries.entries()) {
    while (at - (entries[first]?.at ?? at) >= MINUTE) first++;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
