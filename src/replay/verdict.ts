/** What a replay says about one run, and in plain words why. */
import { type RecordedEvent, typeOf } from './recorded-history.ts';

export interface ReplayVerdict {
  /** The file, or `server`. */
  readonly source: string;
  readonly session: string | null;
  readonly runId: string | null;
  /** How many events the history has; 0: not known. */
  readonly events: number;
  /**
   * `nondeterministic`: the code does not do what the history says. `failed`: the code throws, or the replay did not
   * end. `unreadable`: there was nothing to replay. `nothing-yet`: no worker had answered the run.
   */
  readonly verdict: 'ok' | 'nothing-yet' | 'nondeterministic' | 'failed' | 'unreadable';
  /** The event where code and history part, where it is known. */
  readonly event: number | null;
  readonly why: string | null;
}

export type Divergence = Pick<ReplayVerdict, 'verdict' | 'event' | 'why'>;

/** Whether it keeps an upgrade from going out. */
export function isBad({ verdict }: Pick<ReplayVerdict, 'verdict'>): boolean {
  return verdict !== 'ok' && verdict !== 'nothing-yet';
}

/** @param told the SDK's error for a replay. */
export function explain(told: string, events: readonly RecordedEvent[]): Divergence {
  const message = innerMessage(told);
  const difference = /Nondeterminism error: (.*)$/s.exec(message)?.[1];
  if (difference !== undefined) return parted(difference.replaceAll(/\s+/g, ' ').trim(), events);
  const torn = /Fatal error in workflow machines: (.*)/.exec(message)?.[1];
  if (torn !== undefined)
    return {
      verdict: 'unreadable',
      event: eventIn(torn),
      why: `its events make no sense: ${torn.slice(0, 200)}`,
    };
  const verdict = /nondeterminism/i.test(told) ? 'nondeterministic' : 'failed';
  const missing = /workflow of type '([^']*)': no such function/.exec(message)?.[1];
  if (missing !== undefined)
    return { verdict: 'failed', event: 1, why: `this version has no workflow of the type ${missing}` };
  return { verdict, event: null, why: `this version’s code throws: ${firstLine(message)}` };
}

function eventIn(text: string): number | null {
  const id = /HistoryEvent\(id: (\d+)/.exec(text)?.[1];
  return id === undefined ? null : Number(id);
}

/** What a machine of the SDK's core stands for, as what the code did. */
const DONE: Readonly<Record<string, string>> = {
  Activity: 'calls an activity',
  Timer: 'starts a timer',
  'Complete workflow': 'ends the run',
  'Fail workflow': 'fails the run',
  'Cancel workflow': 'ends the run as cancelled',
  'Continue as new workflow': 'continues as new',
  Update: 'answers an update',
};

function parted(difference: string, events: readonly RecordedEvent[]): Divergence {
  const verdict = 'nondeterministic';
  const at = (id: string | undefined) => events.find(event => String(event.eventId) === id);
  const other = /^(.+?) machine does not handle this event: HistoryEvent\(id: (\d+)/.exec(difference);
  if (other !== null) {
    const [, machine = '', id] = other;
    const does = DONE[machine] ?? `does something else (${machine.toLowerCase()})`;
    return {
      verdict,
      event: Number(id),
      why: `the history has ${named(at(id))}; this version ${does} there`,
    };
  }
  const none = /No command scheduled for event HistoryEvent\(id: (\d+)/.exec(difference);
  if (none !== null)
    return {
      verdict,
      event: Number(none[1]),
      why: `the history has ${named(at(none[1]))}; this version does nothing there`,
    };
  const activity = /Activity (type|id) of scheduled event '(.*)' does not match .* command '(.*)'/.exec(
    difference,
  );
  if (activity !== null) {
    const [, what, had = '', has] = activity;
    const found = scheduled(events, what === 'type' ? 'type' : 'id', had);
    const [only] = found;
    const which = what === 'type' ? 'the activity' : 'an activity with the id';
    const ids = found.map(event => event.eventId).join(', ');
    const where = found.length > 1 ? ` (one of the events ${ids})` : '';
    return {
      verdict,
      event: found.length === 1 && only !== undefined ? Number(only.eventId) : null,
      why: `the history calls ${which} ${had}${where}; this version calls ${has} there`,
    };
  }
  return { verdict, event: null, why: difference.slice(0, 400) };
}

interface ScheduledAttributes {
  readonly activityId?: string;
  readonly activityType?: { readonly name?: string };
}

const scheduledOf = (event: RecordedEvent) =>
  event.activityTaskScheduledEventAttributes as ScheduledAttributes | undefined;

function scheduled(events: readonly RecordedEvent[], by: 'type' | 'id', value: string): RecordedEvent[] {
  return events.filter(event => {
    const attributes = scheduledOf(event);
    return (by === 'type' ? attributes?.activityType?.name : attributes?.activityId) === value;
  });
}

/** `the call of the activity runTool (bash: npm test)`. */
function named(event: RecordedEvent | undefined): string {
  if (event === undefined) return 'an event';
  const summary = summaryOf(event);
  const activity = scheduledOf(event)?.activityType?.name;
  const what = activity === undefined ? typeOf(event) : `the call of the activity ${activity}`;
  return summary === undefined ? what : `${what} (${summary})`;
}

function summaryOf({ userMetadata }: RecordedEvent): string | undefined {
  const data = userMetadata?.summary?.data;
  if (data === undefined) return undefined;
  try {
    const summary: unknown = JSON.parse(Buffer.from(data, 'base64').toString('utf8'));
    return typeof summary === 'string' ? summary.slice(0, 80) : undefined;
  } catch {
    return undefined;
  }
}

/** The error holds a failure as Rust prints it: its message is a quoted string in there. */
function innerMessage(told: string): string {
  const quoted = /message: "((?:[^"\\]|\\.)*)"/s.exec(told)?.[1];
  if (quoted === undefined) return told;
  return quoted.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 400);
}
