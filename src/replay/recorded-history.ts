/**
 * A history as `temporal workflow show --output json`, Temporal's UI or `npm run record` writes it, plain or
 * gzipped. Looked at before it is replayed: a replay of what is torn hangs instead of failing.
 */
import { gunzipSync } from 'node:zlib';

/** An event in proto JSON; enums in either of the two spellings that Temporal's tools use. */
export interface RecordedEvent {
  readonly eventId: string | number;
  readonly eventType: string;
  readonly userMetadata?: { readonly summary?: { readonly data?: string } };
  readonly [attributes: string]: unknown;
}

export interface RecordedHistory {
  readonly workflowId: string | undefined;
  readonly runId: string | undefined;
  readonly workflowType: string;
  readonly events: readonly RecordedEvent[];
  /** A worker has answered at least once: there is something to replay. */
  readonly isBegun: boolean;
}

/** What cannot be replayed because it is no whole history; one line, without the file's name. */
export class UnreadableHistory extends Error {
  override name = 'UnreadableHistory';
}

/** @throws UnreadableHistory */
export function readHistory(bytes: Uint8Array): RecordedHistory {
  const events = eventsOf(parse(textOf(bytes)));
  const [first] = events;
  if (first === undefined) throw new UnreadableHistory('it holds no events');
  events.forEach((event, index) => {
    if (Number(event.eventId) === index + 1) return;
    const where = index === 0 ? 'it begins with' : `event ${index} is followed by`;
    throw new UnreadableHistory(`${where} event ${event.eventId}: events are missing`);
  });
  const started = first.workflowExecutionStartedEventAttributes as StartedAttributes | undefined;
  if (started === undefined) throw new UnreadableHistory('its first event is not the start of a workflow');
  return {
    workflowId: text(started.workflowId),
    runId: text(started.originalExecutionRunId),
    workflowType: text(started.workflowType?.name) ?? '?',
    events,
    isBegun: events.some(event => typeOf(event) === 'WorkflowTaskCompleted'),
  };
}

/** `ActivityTaskScheduled`, whichever way it was spelled. */
export function typeOf({ eventType }: RecordedEvent): string {
  if (!eventType.startsWith('EVENT_TYPE_')) return eventType;
  const words = eventType.slice('EVENT_TYPE_'.length).toLowerCase().split('_');
  return words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

interface StartedAttributes {
  readonly workflowId?: unknown;
  readonly originalExecutionRunId?: unknown;
  readonly workflowType?: { readonly name?: unknown };
}

function textOf(bytes: Uint8Array): string {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  try {
    return Buffer.from(isGzip ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new UnreadableHistory(`it is gzipped, and torn: ${(error as Error).message}`);
  }
}

function parse(json: string): unknown {
  if (json.trim() === '') throw new UnreadableHistory('it is empty');
  try {
    return JSON.parse(json);
  } catch (error) {
    const why = (error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 120);
    throw new UnreadableHistory(`it is not JSON, or torn: ${why}`);
  }
}

function eventsOf(value: unknown): RecordedEvent[] {
  const events = Array.isArray(value) ? value : (value as { events?: unknown } | null)?.events;
  if (!Array.isArray(events))
    throw new UnreadableHistory(
      'it holds no history: write one with `temporal workflow show --workflow-id ID --output json`',
    );
  const odd = events.findIndex(event => typeof (event as RecordedEvent | null)?.eventType !== 'string');
  if (odd !== -1) throw new UnreadableHistory(`its event ${odd + 1} has no type`);
  return events;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
