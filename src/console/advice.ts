/** What stands in a session's way, in plain words, and what somebody on duty does about it. */
/** A held call is forgotten, and a running one worth a look, after so long. */
const HELD_LONG_MS = 900_000;
const RUNS_LONG_MS = 60_000;

import type { PendingWork } from '../client/pending-work.ts';
import { lasted } from '../session/lasted.ts';
import type { SessionReading } from './source.ts';
import { count } from './words.ts';

export interface Advice {
  /** `bad`: somebody is needed. `warn`: somebody may be. `note`: good to know. */
  readonly level: 'bad' | 'warn' | 'note';
  readonly what: string;
  readonly todo: string;
  /** To be typed in a terminal. */
  readonly command?: string;
  /** A page of the console. */
  readonly link?: { readonly to: 'approvals' | 'call'; readonly call?: string; readonly text: string };
}

export interface Surroundings {
  readonly now: number;
  readonly thisHost: string | undefined;
}

/** The worst first. Empty: nothing is to be done. */
export function adviceOf(reading: SessionReading, around: Surroundings): Advice[] {
  const all = [
    ...ofWorkers(reading),
    ...ofHost(reading, around),
    ...ofApi(reading, around),
    ...ofEnd(reading),
    ...ofHeld(reading, around),
    ...ofRunning(reading, around),
    ...ofUnknown(reading),
    ...ofRefused(reading),
    ...ofUnowned(reading),
  ];
  const rank = { bad: 0, warn: 1, note: 2 };
  return all.sort((a, b) => rank[a.level] - rank[b.level]);
}

function ofWorkers({ unanswered, status, endedAt }: SessionReading): Advice[] {
  if (unanswered === undefined || endedAt !== null) return [];
  const what = `No worker answers for this session (${unanswered}).`;
  const shown =
    status === undefined ? 'Below is what Temporal alone knows.' : 'Below is what was known last.';
  return [
    {
      level: 'bad',
      what: `${what} Nothing new starts and nothing is posted until one does; tools that run go on.`,
      todo: `Start a worker, or see why the one that should run does not. ${shown}`,
      command: 'holdfast worker',
    },
  ];
}

function ofHost({ pending, host, status }: SessionReading, { now, thisHost }: Surroundings): Advice[] {
  const opening = pending.find(
    ({ type, failureType }) => type === 'openWorkspace' && failureType === 'HostFull',
  );
  if (opening !== undefined)
    return [
      {
        level: 'warn',
        what: `No machine has room for this session’s tools: ${opening.failure ?? 'all tool hosts are busy'}.`,
        todo: 'It goes on by itself when one is free. For more room, run a worker on another machine, or raise HOLDFAST_MAX_HOSTS.',
      },
    ];
  const lost = pending.filter(
    work => HOST_WORK.has(work.type) && work.state === 'waiting' && ageOf(work, now) > UNTAKEN_MS,
  );
  const isGivenUp = status?.waitingFor.startsWith('another host:') === true;
  if (host === null || (lost.length === 0 && !isGivenUp)) return [];
  const since = lost.reduce((longest, work) => Math.max(longest, ageOf(work, now)), 0);
  const where = host === thisHost ? 'this machine' : `host ${host}`;
  const limit = hostLostOf(lost);
  const then =
    limit === null
      ? 'It is waited for without a limit, since its files are there.'
      : `After ${lasted(limit)} without it, another machine takes over with an empty workspace, and what ran there is reported to the agent as unknown.`;
  return [
    {
      level: 'bad',
      what: `Nobody on ${where} takes this session’s work${since > 0 ? ` (for ${lasted(since)})` : ''}: the machine, or its worker, is away. ${then}`,
      todo: `Start the worker on ${where} again, with the same state folder: calls that still run there are attached again, and none starts twice. If the machine is gone for good, ${limit === null ? 'stop the session' : 'wait, and see that a worker runs elsewhere'}.`,
      command: 'holdfast worker',
    },
  ];
}

const HOST_WORK = new Set(['runTool', 'openWorkspace', 'stopCalls', 'postStored']);
/** A worker that polls takes a task within milliseconds. */
const UNTAKEN_MS = 5_000;

function ageOf(work: PendingWork, now: number): number {
  return work.since === null ? 0 : now - Date.parse(work.since);
}

function hostLostOf(work: readonly PendingWork[]): number | null {
  return work.find(({ givenUpAfterMs }) => givenUpAfterMs !== null)?.givenUpAfterMs ?? null;
}

function ofApi({ pending }: SessionReading, { now }: Surroundings): Advice[] {
  const failing = pending.filter(
    work => API_WORK.has(work.type) && work.failure !== null && work.attempt > 1,
  );
  const [worst] = failing.toSorted((a, b) => b.attempt - a.attempt);
  if (worst === undefined || worst.failureType === 'HandedOver') return [];
  const next = worst.next === null ? 0 : Date.parse(worst.next) - now;
  const when = next > 0 ? `; tried again in ${lasted(next)}` : '';
  const posts = failing.some(({ type }) => POSTS.has(type));
  return [
    {
      level: 'bad',
      what: `The API does not take what is asked of it: ${worst.failure} (${worst.what}, attempt ${worst.attempt}${when}).`,
      todo: `${posts ? 'The result is kept and is posted as soon as the API takes it; no tool runs again for it. ' : ''}${cureOf(worst.failure ?? '')}`,
      command: 'holdfast doctor',
    },
  ];
}

const POSTS = new Set(['postResults', 'postStored', 'answerConfirmation']);
const API_WORK = new Set([
  ...POSTS,
  'listen',
  'openSession',
  'readTail',
  'readCalls',
  'ackWork',
  'keepLease',
  'stopWork',
]);

function cureOf(failure: string): string {
  if (/\b(401|403)\b|authentication|permission|api key/i.test(failure))
    return 'The key is refused: set a valid ANTHROPIC_API_KEY (or ANTHROPIC_ENVIRONMENT_KEY) for the worker and restart it.';
  if (/\b429\b|rate|budget/i.test(failure))
    return 'Too many requests: it passes by itself. If it stays, lower HOLDFAST_POSTS_PER_MINUTE and HOLDFAST_READS_PER_MINUTE, or ask for a higher limit.';
  return 'If it lasts, see the API’s status page, ANTHROPIC_BASE_URL, and this network; the doctor tries all three.';
}

function ofEnd({ outcome, execution, endedAt, session }: SessionReading): Advice[] {
  if (endedAt === null || outcome === undefined) return [];
  if (execution === 'FAILED' || outcome.state === 'failed')
    return [
      {
        level: 'bad',
        what: `The run failed: ${outcome.reason}.`,
        todo: 'Mend that, then start the session again: what has run does not run again, and what is open is taken up.',
        command: `holdfast start ${session}`,
      },
    ];
  if (execution === 'TERMINATED' || execution === 'CANCELLED' || execution === 'TIMED_OUT')
    return [
      {
        level: 'warn',
        what: `The run was ended from outside (${outcome.reason}): calls may be open still.`,
        todo: 'If nobody meant it, start the session again: what has run does not run again.',
        command: `holdfast start ${session}`,
      },
    ];
  return [];
}

function ofHeld({ calls = [] }: SessionReading, { now }: Surroundings): Advice[] {
  const held = calls.filter(call => call.state === 'held' && call.confirmation === null);
  const [first] = held;
  if (first === undefined) return [];
  const since = first.heldAt ?? first.seenAt;
  const waits = since === undefined ? 0 : now - Date.parse(since);
  const long = waits > HELD_LONG_MS ? ' It looks forgotten.' : '';
  return [
    {
      level: waits > HELD_LONG_MS ? 'bad' : 'warn',
      what: `${held.length === 1 ? `A person is asked whether “${first.summary}” may run` : `A person is asked about ${held.length} calls`}${waits > 0 ? `, for ${lasted(waits)}` : ''}.${long} The agent waits for it.`,
      todo: 'Allow or deny it. Nobody is asked again by itself: HOLDFAST_APPROVAL_DEADLINE denies what is forgotten.',
      link: { to: 'approvals', text: 'Answer in the approvals' },
    },
  ];
}

function ofRunning({ calls = [], session, endedAt }: SessionReading, { now }: Surroundings): Advice[] {
  if (endedAt !== null) return [];
  const long = calls.filter(
    ({ state, startedAt }) =>
      state === 'running' && startedAt !== null && now - Date.parse(startedAt) > RUNS_LONG_MS,
  );
  return long.slice(0, 3).map(call => ({
    level: 'warn',
    what: `“${call.summary}” has been running for ${lasted(now - Date.parse(call.startedAt ?? ''))}. It ends by itself, or its time limit ends it; everything behind it waits.`,
    todo: 'See whether its output still grows. To end it, interrupt the session (user.interrupt from your client), or stop its run: results are posted first, then the tool’s whole process group is ended.',
    command: `holdfast stop ${session} --grace 0s`,
    link: { to: 'call', call: call.id, text: 'See its output' },
  }));
}

function ofUnknown({ calls = [] }: SessionReading): Advice[] {
  const unknown = calls.filter(call => call.unfinished === 'unknown');
  const [last] = unknown.slice(-1);
  if (last === undefined) return [];
  const more = unknown.length > 1 ? ` (and ${count(unknown.length - 1, 'earlier call')})` : '';
  return [
    {
      level: 'warn',
      what: `Nobody knows how “${last.summary}” ended${more}: what ran it was killed, or its machine was lost, while it ran. It was not run again, and the agent was told so with the evidence.`,
      todo: 'Where it matters, look whether it took effect: its last output and the record below tell how far it came. The agent decides whether to do it again.',
      link: { to: 'call', call: last.id, text: 'See what is known of it' },
    },
  ];
}

function ofRefused({ calls = [] }: SessionReading): Advice[] {
  const refused = calls.filter(({ state, why }) => state === 'settled' && why.startsWith('refused'));
  const [last] = refused.slice(-1);
  if (last === undefined) return [];
  return [
    {
      level: 'warn',
      what: `The API would never take the result of “${last.summary}” (${last.why.replace(/^refused:? ?/, '')}).`,
      todo: 'The tool ran; the agent may not know what came of it. Tell it in the session where that matters.',
      link: { to: 'call', call: last.id, text: 'See the call' },
    },
  ];
}

function ofUnowned({ calls = [] }: SessionReading): Advice[] {
  const unowned = calls.filter(({ state, place }) => state === 'unowned' && place === null);
  if (unowned.length === 0) return [];
  const names = [...new Set(unowned.map(({ name }) => name))].slice(0, 5).join(', ');
  return [
    {
      level: 'note',
      what: `${count(unowned.length, 'call')} of tools that no worker here serves (${names}) ${unowned.length === 1 ? 'waits' : 'wait'} for the client that has them.`,
      todo: 'If one of them is yours, serve it: name your module in HOLDFAST_TOOLS and restart the worker; `holdfast tools --check` lists what is served.',
    },
  ];
}
