import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type RecordedEvent, readHistory, typeOf } from '../../src/replay/recorded-history.ts';

const FILE = new URL('../fixtures/histories/0.1.0/one-call-1.json', import.meta.url);
const bytes = readFileSync(FILE);
const { events } = JSON.parse(bytes.toString('utf8')) as { events: RecordedEvent[] };
const read = (value: unknown) => readHistory(Buffer.from(JSON.stringify(value)));

describe('a recorded history', () => {
  it('is read plain, gzipped and as a bare list of events', () => {
    const history = readHistory(bytes);
    expect(history).toMatchObject({
      workflowId: 'sesn_01fdcde02257fb47cca61a49',
      workflowType: 'runSession',
    });
    expect(history.isBegun).toBe(true);
    expect(readHistory(gzipSync(bytes))).toEqual(history);
    expect(read(events)).toEqual(history);
  });

  it('of a run that no worker has answered yet has nothing to replay', () => {
    expect(read({ events: events.slice(0, 3) }).isBegun).toBe(false);
  });

  it('names the types of events as people do, whichever tool wrote it', () => {
    const event = { eventId: '1', eventType: 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED' };
    expect(typeOf(event)).toBe('ActivityTaskScheduled');
    expect(typeOf({ ...event, eventType: 'ActivityTaskScheduled' })).toBe('ActivityTaskScheduled');
  });

  const torn: [string, Uint8Array, string][] = [
    ['an empty file', Buffer.from(' \n'), 'it is empty'],
    ['a torn file', bytes.subarray(0, 3_000), 'it is not JSON, or torn'],
    ['a torn gzip', gzipSync(bytes).subarray(0, 900), 'it is gzipped, and torn'],
    ['another JSON file', Buffer.from('{"name":"holdfast"}'), 'temporal workflow show'],
    ['a list of something else', Buffer.from('[1,2]'), 'its event 1 has no type'],
    ['no events', Buffer.from('{"events":[]}'), 'it holds no events'],
    [
      'a missing event',
      Buffer.from(JSON.stringify(events.toSpliced(10, 1))),
      'event 10 is followed by event 12',
    ],
    ['a missing begin', Buffer.from(JSON.stringify(events.slice(4))), 'it begins with event 5'],
  ];
  it.each(torn)('%s is told in one line', (_, content, told) => {
    expect(() => readHistory(content)).toThrow(told);
  });
});
