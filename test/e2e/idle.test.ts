/** Idle ends, and what follows them: the same session starts again, or something came while nobody looked (§6). */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { runIdsOf } from './support/history.ts';
import { toolProcesses } from './support/leftovers.ts';
import { type World, world } from './support/world.ts';

/** Folders of the calls in the one session's journal. */
function journal(w: World): string[] {
  const sessions = join(w.stateDir, 'sessions');
  const [session = ''] = readdirSync(sessions);
  return readdirSync(join(sessions, session, 'journal', 'calls'));
}

describe.concurrent('a session whose run ended by being idle', () => {
  it('starts again on the same workspace with a new shell, keeps its journal, and lists only new calls', async context => {
    const w = await world(context);
    await w.worker();
    const session = w.session(async agent => {
      await agent.call('bash', { command: 'echo kept > file.txt; export MARK=set; echo "mark=$MARK"' });
      await agent.idle();
      await agent.call('bash', { command: 'cat file.txt; echo "mark=$MARK"' });
    });
    const first = await w.start(session.id, '--max-idle', '300ms');
    expect(first.line).toMatchObject({ state: 'done', reason: 'idle', calls: [{ posted: true }] });
    // A sleeping session costs nothing: no process of it is left.
    expect(toolProcesses(w.stateDir)).toEqual([]);
    expect(journal(w)).toHaveLength(1);

    session.sendMessage('again');
    const second = await w.start(session.id, '--max-idle', '300ms');
    expect(second.code).toBe(0);
    const [one, two] = session.ledger().calls;
    expect(second.line?.calls.map(({ id }) => id)).toEqual([two?.id]);
    expect(second.line?.host).toBe(first.line?.host);
    const texts = textsOf(session);
    expect(texts[0]).toBe('mark=set');
    expect(texts[1]).toMatch(/kept\nmark=$/);
    expect(journal(w)).toHaveLength(2);
    expect(one?.accepted).toHaveLength(1);
    expect(await runIdsOf(w.client, session.id)).toHaveLength(2);
  });

  it('and that is started without a new turn ends again, running nothing', async context => {
    const w = await world(context);
    await w.worker();
    const session = w.session([{ call: 'effect', input: { label: 'a', ms: 1 } }]);
    await w.start(session.id, '--max-idle', '200ms');
    const again = await w.start(session.id, '--max-idle', '200ms');
    expect(again).toMatchObject({ code: 0, line: { state: 'done', reason: 'idle', calls: [] } });
    expect(w.effects()).toEqual(['begin a', 'end a']);
  });
});

describe.concurrent('an event that arrives while every worker is down', () => {
  it('past the idle time keeps the run: it does not end, and the call is served', async context => {
    const w = await world(context);
    const worker = await w.worker();
    const session = w.session(async agent => {
      await agent.call('effect', { label: 'before', ms: 1 });
      await agent.idle();
      await agent.call('effect', { label: 'while down', ms: 1 });
    });
    // Long enough to be caught idle, short enough to be over before the next worker polls.
    const handle = await w.begin(session.id, { maxIdleMs: 5_000 });
    await eventually('the run is idle', async () => (await w.status(session.id)).state === 'idle');
    await worker.end('SIGKILL');
    await sleep(5_500);
    session.sendMessage('hello?');
    await session.wait('requires_action');
    // Nobody listens yet when the timer fires: only the question to the server can keep the run.
    await w.worker('--roles', 'sessions');
    await eventually('it has asked', async () => {
      const { activities } = await w.history(session.id);
      const status = await w.status(session.id).catch(() => undefined);
      return activities.some(({ type }) => type === 'readTail') && status?.state === 'running';
    });
    await w.worker('--roles', 'listeners,tools');
    await w.effect('end while down');
    const summary = await handle.result();
    expect(summary).toMatchObject({ state: 'done', reason: 'idle' });
    expect(summary.calls.map(({ posted }) => posted)).toEqual([true, true]);
    expect(textsOf(session)).toEqual(['did before', 'did while down']);
    expect(await runIdsOf(w.client, session.id)).toHaveLength(1);
    const { activities } = await w.history(session.id);
    // It asked before it would have ended, and was told that the session had moved on.
    expect(activities.filter(({ type }) => type === 'readTail').length).toBeGreaterThanOrEqual(2);
  });

  it('before the idle time is over is served by the next worker; a wake then shortens the window that runs', async context => {
    const w = await world(context);
    const worker = await w.worker();
    const session = w.session(async agent => {
      await agent.idle();
      await agent.call('effect', { label: 'a', ms: 1 });
    });
    const handle = await w.begin(session.id, { maxIdleMs: 600_000 });
    await eventually('the run is idle', async () => (await w.status(session.id)).state === 'idle');
    await worker.end('SIGTERM');
    session.sendMessage('hello?');
    await session.wait('requires_action');
    await w.worker();
    await w.effect('end a');
    await eventually('it is posted', () => session.ledger().calls[0]?.accepted.length === 1);
    await eventually('the run is idle again', async () => (await w.status(session.id)).state === 'idle');
    await w.begin(session.id, { maxIdleMs: 200 });
    expect((await handle.result()).calls).toMatchObject([{ posted: true }]);
    expect(await runIdsOf(w.client, session.id)).toHaveLength(1);
  });
});
