/** What bounds a host (I11): how many tool hosts live, how long they and the files of their sessions stay. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { isAlive, sessionFolder, toolHostPid, toolProcesses } from './support/leftovers.ts';
import { type World, world } from './support/world.ts';

async function recordOf(w: World, id: string): Promise<string> {
  return (await w.status(id)).record.map(({ what }) => what).join('\n');
}

/** A promise to be kept from outside. */
function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = () => {};
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  return { open, opened };
}

describe.concurrent('a host that is full', () => {
  it('lets the next session wait until there is room, and shows what it waits for', async context => {
    const w = await world(context, { env: { HOLDFAST_MAX_HOSTS: '1' } });
    await w.worker();
    const first = w.session([{ call: 'wait_for', input: { label: 'first', line: 'go' } }]);
    const second = w.session([{ call: 'bash', input: { command: 'echo second' } }]);
    const running = await w.begin(first.id);
    await w.effect('begin first');
    const waiting = await w.begin(second.id);
    await eventually('the second says that the host is full', async () => {
      const { stdout } = await w.run(['show', second.id]).exit;
      return /waits for a host for the tools \(.* has 1 of 1 tool hosts, all with a running call\)/.test(
        stdout,
      );
    });
    expect(await w.status(second.id)).toMatchObject({ waitingFor: 'a host for the tools', openCalls: 1 });
    expect(toolProcesses(w.stateDir)).toEqual([toolHostPid(w.stateDir, first.id)]);
    // A place that was kept for a host which lives would be counted twice.
    expect(readdirSync(join(w.stateDir, 'run')).filter(name => name.endsWith('.admitted'))).toEqual([]);
    w.note('go');
    const summaries = await Promise.all([running.result(), waiting.result()]);
    expect(summaries.map(({ calls }) => calls)).toMatchObject([
      [{ posted: true, isError: false, attempts: 1 }],
      [{ posted: true, isError: false, attempts: 1 }],
    ]);
    expect(textsOf(second)).toEqual(['second']);
  });

  it('first ends a tool host that has no call, whose agent is told that its shell is lost', async context => {
    const w = await world(context, { env: { HOLDFAST_MAX_HOSTS: '1' } });
    await w.worker();
    const between = gate();
    const first = w.session(async agent => {
      await agent.call('bash', { command: 'export MARK=set; echo $MARK > file' });
      await between.opened;
      await agent.call('bash', { command: 'cat file; echo "mark: $MARK"' });
    });
    const second = w.session([{ call: 'bash', input: { command: 'echo second' } }]);
    const handle = await w.begin(first.id, { maxIdleMs: 60_000 });
    await eventually('the first call is posted', () => first.ledger().calls[0]?.accepted.length === 1);
    const pid = toolHostPid(w.stateDir, first.id);
    const { calls } = await (await w.begin(second.id)).result();
    expect(calls).toMatchObject([{ posted: true, isError: false }]);
    expect(isAlive(pid)).toBe(false);
    between.open();
    await eventually('the second call is posted', () => first.ledger().calls[1]?.accepted.length === 1);
    expect(textsOf(first)[1]).toMatch(/^\[Note: .*shell.*\]\nset\nmark: $/s);
    expect(await recordOf(w, first.id)).toMatch(/ended to make room for another session; its shell is lost/);
    await w.start(first.id, '--max-idle', '100ms');
    expect((await handle.result()).calls).toMatchObject([{ attempts: 1 }, { attempts: 1 }]);
  });
});

describe.concurrent('what a worker clears away as it goes', () => {
  it('the files of a session, when their time is over: its next run is told, and begins anew', async context => {
    const w = await world(context, { env: { HOLDFAST_KEEP: '2s', HOLDFAST_SWEEP: '200ms' } });
    const worker = await w.worker();
    const session = w.session(async agent => {
      await agent.call('bash', { command: 'echo mine > file; cat file' });
      await agent.idle();
      await agent.call('bash', { command: 'cat file' });
    });
    await (await w.begin(session.id)).result();
    const folder = sessionFolder(w.stateDir, session.id);
    await worker.says(`sweep: removed the workspace and the journal of ${session.id}`);
    expect(existsSync(folder)).toBe(false);
    session.sendMessage('again');
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls).toMatchObject([{ posted: true, isError: true }]);
    expect(textsOf(session)[1]).toContain('No such file');
    expect(await recordOf(w, session.id)).toMatch(/removed the workspace and its journal: kept for 2s/);
  });

  it('the files of a session that has ended for good, at once where that is wanted', async context => {
    const w = await world(context, { env: { HOLDFAST_KEEP: 'end' } });
    await w.worker();
    const [ended, idle] = [1, 2].map(i => w.session([{ call: 'bash', input: { command: `echo ${i}` } }])) as [
      SessionHandle,
      SessionHandle,
    ];
    const handle = await w.begin(ended.id, { maxIdleMs: 60_000 });
    await eventually('its call is posted', () => ended.ledger().calls[0]?.accepted.length === 1);
    await ended.wait('idle');
    ended.archive();
    const one = await handle.result();
    const two = await (await w.begin(idle.id)).result();
    expect([one.reason, two.reason]).toEqual(['terminated', 'idle']);
    expect(readdirSync(join(w.stateDir, 'sessions'))).toEqual([expect.stringContaining(idle.id)]);
    expect(await recordOf(w, ended.id)).toMatch(/removed the workspace .*: the session has ended/);
  });

  it('a tool host that nobody has spoken to for long: the session goes on without noticing', async context => {
    const w = await world(context, { env: { HOLDFAST_HOST_IDLE: '1s' } });
    await w.worker();
    const between = gate();
    const session = w.session(async agent => {
      await agent.call('bash', { command: 'echo one > file' });
      await between.opened;
      await agent.call('bash', { command: 'cat file' });
    });
    const handle = await w.begin(session.id);
    await eventually('the first call is posted', () => session.ledger().calls[0]?.accepted.length === 1);
    await eventually('the host has ended itself', () => toolProcesses(w.stateDir).length === 0);
    expect(readdirSync(join(w.stateDir, 'run')).filter(name => name.endsWith('.sock'))).toEqual([]);
    between.open();
    expect((await handle.result()).calls).toMatchObject([
      { posted: true, attempts: 1 },
      { posted: true, isError: false, attempts: 1 },
    ]);
    expect(await recordOf(w, session.id)).toMatch(/the tool host ended itself: nobody spoke to it/);
  });
});
