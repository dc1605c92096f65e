/** Where a session's files are, there its calls run; and what is left of a run that was ended from outside (§4). */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { runIdsOf } from './support/history.ts';
import { toolProcesses } from './support/leftovers.ts';
import { world } from './support/world.ts';

describe.concurrent('two hosts', () => {
  it('a session stays on the host that has its files: in its calls, in later runs, and when only the other is up', async context => {
    const w = await world(context);
    const other = { HOLDFAST_STATE_DIR: join(w.folder, 'other') };
    const [here, there] = await Promise.all([w.worker(), w.run(['worker'], other).says('worker ready')]);
    const sessions = [1, 2, 3].map(i =>
      w.session(async agent => {
        await agent.call('bash', { command: `echo ${i} > mine.txt` });
        await agent.call('bash', { command: 'cat mine.txt' });
        await agent.idle();
        await agent.call('bash', { command: 'cat mine.txt' });
      }),
    );
    const first = await Promise.all(sessions.map(async ({ id }) => (await w.begin(id)).result()));
    for (const session of sessions) session.sendMessage('again');
    // The hosts change places: nothing of a session is in a process.
    await Promise.all([here.end('SIGTERM'), there.end('SIGTERM')]);
    const handles = await Promise.all(sessions.map(({ id }) => w.begin(id)));
    await Promise.all([w.run(['worker'], other).says('worker ready'), w.worker()]);
    const second = await Promise.all(handles.map(handle => handle.result()));
    expect(second.map(({ host }) => host)).toEqual(first.map(({ host }) => host));
    for (const [i, session] of sessions.entries()) {
      const texts = textsOf(session);
      expect([texts[1], texts[2]?.split('\n').at(-1)]).toEqual([`${i + 1}`, `${i + 1}`]);
    }
  });

  it('a session stays on its host over a run without a call, which opened no workspace', async context => {
    const w = await world(context);
    const here = await w.worker();
    const session = w.session(async agent => {
      await agent.call('bash', { command: 'echo mine > mine.txt' });
      await agent.idle();
      await agent.say('nothing to do');
      await agent.idle();
      await agent.call('bash', { command: 'cat mine.txt' });
    });
    await (await w.begin(session.id)).result();
    session.sendMessage('say something');
    await (await w.begin(session.id)).result();
    await here.end('SIGTERM');
    await w.run(['worker'], { HOLDFAST_STATE_DIR: join(w.folder, 'other') }).says('worker ready');
    session.sendMessage('read it');
    const handle = await w.begin(session.id);
    await eventually('the call is known', async () => {
      const calls = await w.calls(session.id).catch(() => []);
      return calls.length === 1;
    });
    await w.worker();
    expect((await handle.result()).calls).toMatchObject([{ posted: true, isError: false }]);
    expect(textsOf(session)[1]).toMatch(/mine$/);
  });

  it('a call waits for its host while only another one is up, and runs once when it is back', async context => {
    const w = await world(context);
    const here = await w.worker();
    const session = w.session(async agent => {
      await agent.call('bash', { command: 'echo mine > file.txt' });
      await agent.idle();
      await agent.call('bash', { command: 'cat file.txt' });
    });
    const handle = await w.begin(session.id, { maxIdleMs: 1_000 });
    await session.wait('idle');
    await here.end('SIGTERM');
    await w.run(['worker'], { HOLDFAST_STATE_DIR: join(w.folder, 'other') }).says('worker ready');
    session.sendMessage('again');
    await eventually('the call waits', async () => {
      const calls = await w.calls(session.id).catch(() => []);
      return calls[1]?.state === 'running';
    });
    await w.worker();
    expect((await handle.result()).calls).toMatchObject([{ posted: true }, { posted: true, attempts: 1 }]);
    expect(textsOf(session)[1]).toMatch(/mine$/);
  });
});

describe.concurrent('a run that is ended from outside while a tool runs', () => {
  it('terminated in the Temporal UI: the next run attaches to the tool and posts what it came to', async context => {
    const w = await world(context);
    await w.worker();
    const session = w.session([{ call: 'meet', input: { label: 'a', others: ['go'] } }]);
    const handle = await w.begin(session.id);
    await w.effect('begin a');
    await handle.terminate('by hand');
    const next = await w.begin(session.id);
    await eventually('the call is attached again', async () => {
      const calls = await w.calls(session.id).catch(() => []);
      return calls[0]?.state === 'running';
    });
    w.note('begin go');
    expect((await next.result()).calls).toMatchObject([{ posted: true, isError: false, attempts: 1 }]);
    expect(textsOf(session)).toEqual(['a met all']);
    expect(w.effects('begin a')).toHaveLength(1);
    expect(await runIdsOf(w.client, session.id)).toHaveLength(2);
  });

  it('cancelled in the Temporal UI: its tool is ended and nothing of it is left', async context => {
    const w = await world(context);
    await w.worker();
    const session = w.session([
      { call: 'bash', input: { command: 'echo "begin b 0000000000000" >> "$EFFECTS"; sleep 300' } },
    ]);
    const handle = await w.begin(session.id);
    await w.effect('begin b');
    expect(toolProcesses(w.stateDir).length).toBeGreaterThan(0);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect(toolProcesses(w.stateDir)).toEqual([]);
  });

  it('whose workers are gone for good: the next worker’s sweeps leave its call to its end, then end its tool host', async context => {
    const w = await world(context, { env: { HOLDFAST_SWEEP: '100ms' } });
    const worker = await w.worker();
    const session = w.session([{ call: 'meet', input: { label: 'c', others: ['go on'] } }]);
    const handle = await w.begin(session.id);
    await w.effect('begin c');
    await worker.end('SIGKILL');
    await handle.terminate('by hand');
    const next = await w.worker();
    // Several sweeps: what they leave alone they leave no trace of.
    await sleep(1_000);
    expect(toolProcesses(w.stateDir).length).toBeGreaterThan(0);
    w.note('begin go on');
    await next.says(`sweep: closed the tool host of ${session.id}`);
    await eventually('nothing of it is left', () => toolProcesses(w.stateDir).length === 0);
    expect((await (await w.begin(session.id)).result()).calls).toMatchObject([
      { posted: true, isError: false, attempts: 1 },
    ]);
    expect(textsOf(session)).toEqual(['c met all']);
    expect(w.effects('begin c')).toHaveLength(1);
    const { record } = await w.status(session.id);
    expect(record.map(({ what }) => what).join()).toMatch(
      /the sweep ended the tool host, which no run wanted/,
    );
  });
});
