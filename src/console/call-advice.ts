/** What single calls need of somebody on duty. */
import { lasted } from '../session/lasted.ts';
import type { Advice, Surroundings } from './advice.ts';
import type { SessionReading } from './source.ts';
import { count } from './words.ts';

/** A held call is forgotten, and a running one worth a look, after so long. */
const HELD_LONG_MS = 900_000;
const RUNS_LONG_MS = 60_000;

export function ofCalls(reading: SessionReading, around: Surroundings): Advice[] {
  return [
    ...ofHeld(reading, around),
    ...ofRunning(reading, around),
    ...ofUnknown(reading),
    ...ofRefused(reading),
    ...ofUnowned(reading),
  ];
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
    todo: 'See whether its output still grows. To end it, interrupt the session (user.interrupt from your client), or stop its run: the tool’s whole process group is ended, and the agent is told what is known.',
    command: `holdfast stop ${session} --now`,
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
