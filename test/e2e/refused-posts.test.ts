/** Results that the API refuses for good, or that it closes while they wait: told once, never run again (§2.6). */
import { describe, expect, it } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { sharedWorld } from './support/world.ts';

const shared = sharedWorld(import.meta.url);

const DOWN = { fail: [{ route: 'send', status: 503, times: 1_000 }] } as const;

/** Starts a session of one call and waits until its result cannot be posted. */
async function withResultWaiting(label: string) {
  const w = shared();
  const session: SessionHandle = w.session(async agent => {
    await agent.call('effect', { label, ms: 1 });
  });
  session.setFaults({ fail: [...DOWN.fail] });
  const handle = await w.begin(session.id);
  await eventually('its post is refused', () =>
    w.emulator.requests().some(({ session_id, status }) => session_id === session.id && status === 503),
  );
  return { w, session, handle };
}

describe.concurrent('a result', () => {
  it('that is too large for the API (413) is told as one plain error; later calls go on', async () => {
    const w = shared();
    const session = w.session(['413', 'after'].map(label => ({ call: 'effect', input: { label, ms: 1 } })));
    session.setFaults({ fail: [{ route: 'send', status: 413, times: 1 }] });
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls.map(({ state, posted, attempts }) => [state, posted, attempts])).toEqual([
      ['settled', true, 1],
      ['settled', true, 1],
    ]);
    expect(answersOf(session)).toMatchObject([
      { isError: true, posts: 1 },
      { isError: false, posts: 1 },
    ]);
    const [plain, after] = textsOf(session);
    expect(plain).toMatch(/^The tool ran, but its result could not be delivered: the API refused it \(413/);
    expect(plain).toMatch(/It was not run again; what it did has been done\.$/);
    expect(after).toBe('did after');
    expect(w.effects('begin 413')).toHaveLength(1);
  });

  it('that waits when its session is archived is void: the run ends, nothing is posted', async () => {
    const { w, session, handle } = await withResultWaiting('archived-late');
    session.archive();
    session.clearFaults();
    const { state, calls } = await handle.result();
    expect(state).toBe('done');
    expect(calls).toMatchObject([{ state: 'void', posted: false, attempts: 1 }]);
    expect(answersOf(session)).toMatchObject([{ posts: 0 }]);
    expect(w.effects('begin archived-late')).toHaveLength(1);
  });

  it('that waits when an interrupt closes its call was answered by the server: ours is not taken', async () => {
    const { w, session, handle } = await withResultWaiting('closed-late');
    session.send({ type: 'user.interrupt' });
    await eventually('the server has closed it', () => answersOf(session)[0]?.closedBy === 'interrupt');
    session.clearFaults();
    const { state, calls } = await handle.result();
    expect(state).toBe('done');
    expect(calls).toMatchObject([{ state: 'settled', posted: false, attempts: 1 }]);
    expect(answersOf(session)).toMatchObject([{ posts: 0 }]);
    expect(w.effects('begin closed-late')).toHaveLength(1);
  });
});
