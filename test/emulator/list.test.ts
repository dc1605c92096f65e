import { expect, test } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import type { Emulator } from '../../src/emulator/server.ts';
import { clientOf, emulatorFor, request } from './support.ts';

/** `count` events, ten to a second, three types in turn. */
function filled(emulator: Emulator, count: number): SessionHandle {
  const types = ['agent.message', 'agent.thinking', 'session.usage'] as const;
  const start = Date.UTC(2026, 0, 1);
  const history = [...Array(count).keys()].map(i => ({
    type: types[i % 3] ?? 'agent.message',
    id: `sevt_${i}`,
    processed_at: new Date(start + Math.floor(i / 10) * 1000).toISOString(),
  }));
  return emulator.createSession({ history });
}

async function ids(emulator: Emulator, session: SessionHandle, query = ''): Promise<number[]> {
  const { status, body } = await request(emulator, `/v1/sessions/${session.id}/events?${query}`);
  expect(status, JSON.stringify(body.error)).toBe(200);
  return (body.data ?? []).map(event => Number(event.id.slice(5)));
}

test('events are listed in order, and pages cover each event once in both directions', async () => {
  const emulator = await emulatorFor();
  const session = filled(emulator, 25);
  const client = clientOf(emulator);
  for (const order of ['asc', 'desc'] as const) {
    const seen: number[] = [];
    for await (const event of client.beta.sessions.events.list(session.id, { limit: 4, order })) {
      seen.push(Number(event.id.slice(5)));
    }
    const all = [...Array(25).keys()];
    expect(seen).toEqual(order === 'asc' ? all : all.reverse());
  }
});

test('types filter the list, in both spellings', async () => {
  const emulator = await emulatorFor();
  const session = filled(emulator, 12);
  expect(await ids(emulator, session, 'types[]=session.usage')).toEqual([2, 5, 8, 11]);
  expect(await ids(emulator, session, 'types=session.usage&types=agent.message&limit=3')).toEqual([0, 2, 3]);
  const page = await clientOf(emulator).beta.sessions.events.list(session.id, { types: ['agent.thinking'] });
  expect(page.data.map(event => event.id)).toEqual(['sevt_1', 'sevt_4', 'sevt_7', 'sevt_10']);
});

test('created_at bounds compare with processed_at, inclusive and exclusive', async () => {
  const emulator = await emulatorFor();
  const session = filled(emulator, 50);
  const second = (n: number) => encodeURIComponent(`2026-01-01T00:00:0${n}Z`);
  const range = (from: number, to: number) => [...Array(to - from).keys()].map(i => i + from);
  expect(await ids(emulator, session, `created_at[gte]=${second(3)}`)).toEqual(range(30, 50));
  expect(await ids(emulator, session, `created_at[gt]=${second(3)}`)).toEqual(range(40, 50));
  expect(await ids(emulator, session, `created_at[lt]=${second(1)}`)).toEqual(range(0, 10));
  expect(await ids(emulator, session, `created_at[lte]=${second(1)}`)).toEqual(range(0, 20));
  expect(
    await ids(emulator, session, `created_at[gt]=${second(0)}&created_at[lte]=${second(2)}&order=desc`),
  ).toEqual(range(10, 30).reverse());
  const zoned = encodeURIComponent('2026-01-01T01:00:03.000000+01:00');
  expect(await ids(emulator, session, `created_at[gte]=${zoned}`)).toEqual(range(30, 50));
});

test('a page cursor keeps its order, and another order with it is a 400', async () => {
  const emulator = await emulatorFor();
  const session = filled(emulator, 9);
  const path = `/v1/sessions/${session.id}/events`;
  const first = await request(emulator, `${path}?limit=4&order=desc`);
  const cursor = encodeURIComponent(String(first.body.next_page));
  expect(String(first.body.next_page)).toMatch(/^page_/);
  const second = await request(emulator, `${path}?limit=4&page=${cursor}`);
  expect(second.body.data?.map(event => event.id)).toEqual(['sevt_4', 'sevt_3', 'sevt_2', 'sevt_1']);
  const mixed = await request(emulator, `${path}?limit=4&order=asc&page=${cursor}`);
  expect(mixed.status).toBe(400);
  expect(mixed.body.error?.message).toMatch(/order/);
});

test.each([
  ['order=up', /order/],
  ['limit=0', /limit/],
  ['limit=1001', /limit/],
  ['limit=many', /limit/],
  ['page=page_nonsense', /page/],
  ['types[]=agent.nothing', /types/],
  ['created_at[gte]=yesterday', /created_at\[gte\]/],
])('a query that the API does not take is a 400: %s', async (query, reason) => {
  const emulator = await emulatorFor();
  const session = filled(emulator, 1);
  const answer = await request(emulator, `/v1/sessions/${session.id}/events?${query}`);
  expect(answer.status).toBe(400);
  expect(answer.body.error?.message).toMatch(reason);
});

test('events emitted while somebody pages are seen at the end, none twice', async () => {
  const emulator = await emulatorFor();
  const session = filled(emulator, 10);
  const client = clientOf(emulator);
  const seen: string[] = [];
  for await (const event of client.beta.sessions.events.list(session.id, { limit: 3 })) {
    seen.push(event.id);
    if (seen.length === 5) session.emit([{ type: 'agent.message', id: 'sevt_late', content: [] }]);
  }
  expect(seen).toHaveLength(11);
  expect(seen.at(-1)).toBe('sevt_late');
  expect(new Set(seen).size).toBe(11);
});

test('an event with an older stamp goes behind its equals, not to the end', async () => {
  const emulator = await emulatorFor();
  const session = filled(emulator, 30);
  session.emit([{ type: 'agent.message', id: 'sevt_99', processed_at: '2026-01-01T00:00:01.000Z' }]);
  expect((await ids(emulator, session)).slice(18, 22)).toEqual([18, 19, 99, 20]);
});

test('the page size and the entries scanned per page can be bounded, so that empty pages occur', async () => {
  const emulator = await emulatorFor();
  const session = filled(emulator, 20);
  session.setFaults({ list: { max_page_size: 2, scan_limit: 2 } });
  const sizes: number[] = [];
  const client = clientOf(emulator);
  const list = await client.beta.sessions.events.list(session.id, { types: ['session.usage'] });
  for await (const page of list.iterPages()) sizes.push(page.data.length);
  expect(sizes).toContain(0);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(6);
});

test('stamps can share a coarse resolution, or be unique', async () => {
  const coarse = await emulatorFor({ stampResolution: 60_000 });
  const unique = await emulatorFor({ stampResolution: 'unique' });
  const events = [...Array(50).keys()].map(i => ({ type: 'agent.message', id: `sevt_${i}` }));
  const stampsOf = (emulator: Emulator) => {
    const session = emulator.createSession();
    session.emit(events);
    expect(session.events().map(event => event.id)).toEqual(events.map(event => event.id));
    return new Set(session.events().map(event => event.processed_at));
  };
  expect(stampsOf(coarse).size).toBeLessThan(3);
  expect(stampsOf(unique).size).toBe(50);
});

test('a history of 50,000 events pages through with filters', { timeout: 60_000 }, async () => {
  const emulator = await emulatorFor();
  const session = filled(emulator, 50_000);
  const client = clientOf(emulator);
  let count = 0;
  for await (const event of client.beta.sessions.events.list(session.id, { types: ['session.usage'] })) {
    expect(event.type).toBe('session.usage');
    count++;
  }
  expect(count).toBe(16_666);
  const recent = await ids(emulator, session, 'created_at[gte]=2026-01-01T01:23:19Z');
  expect(recent).toEqual([...Array(10).keys()].map(i => 49_990 + i));
});
