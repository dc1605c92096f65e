/** What stands in a session's way, in plain words, and what somebody on duty does about it. */

import { isAtWork, type PendingWork, untakenMs } from '../client/pending-work.ts';
import { lasted } from '../session/lasted.ts';
import { ofCalls } from './call-advice.ts';
import type { SessionReading } from './source.ts';

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
    ...ofCalls(reading, around),
  ];
  if (!all.some(({ level }) => level === 'bad')) all.push(...ofStuck(reading, around));
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
  const lost = pending.filter(work => HOST_WORK.has(work.type) && untakenMs(work, now) > 0);
  const isGivenUp = status?.waitingFor.startsWith('another host:') === true;
  if (host === null || (lost.length === 0 && !isGivenUp)) return [];
  const since = lost.reduce((longest, work) => Math.max(longest, untakenMs(work, now)), 0);
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
function hostLostOf(work: readonly PendingWork[]): number | null {
  return work.find(({ givenUpAfterMs }) => givenUpAfterMs !== null)?.givenUpAfterMs ?? null;
}

function ofApi({ pending }: SessionReading, { now }: Surroundings): Advice[] {
  const failing = pending.filter(isRefused);
  const [worst] = failing.toSorted((x, y) => y.attempt - x.attempt);
  if (worst === undefined) return [];
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

/** A worker that was lost is no fault of the API. */
function isRefused(work: PendingWork): boolean {
  const { type, failure, failureType } = work;
  return API_WORK.has(type) && failure !== null && !NOT_THE_API.has(failureType ?? '') && !isAtWork(work);
}

const NOT_THE_API = new Set(['Timeout', 'HandedOver']);

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

/** Where nothing of the above tells more of it. */
function ofStuck({ status, endedAt }: SessionReading, { now }: Surroundings): Advice[] {
  const stuck = status?.stuck;
  if (stuck === undefined || endedAt !== null) return [];
  return [
    {
      level: 'bad',
      what: `It is stuck: it has waited for ${stuck.what} for ${lasted(now - Date.parse(stuck.since))}, which should pass by itself.`,
      todo: 'See below what Temporal has under way, with its last failures; the doctor tries what a worker needs.',
      command: 'holdfast doctor',
    },
  ];
}
