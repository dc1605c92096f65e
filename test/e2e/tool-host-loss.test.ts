/** A tool host that is killed: what its calls came to is not known, and that is what the agent is told (§4, I4). */
import { readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Agent } from '../../src/emulator/agent.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { isAlive, sessionFolder, toolHostPid } from './support/leftovers.ts';
import { sharedWorld, type World } from './support/world.ts';

const shared = sharedWorld(import.meta.url);

function killHost(w: World, sessionId: string): void {
  process.kill(toolHostPid(w.stateDir, sessionId), 'SIGKILL');
}

/** The pids of the shell and of its child stand in `<name>.pids`. */
function long(name: string): string {
  const file = `$(dirname "$EFFECTS")/${name}.pids`;
  return [
    `sleep 300 & echo "$! $$" > "${file}"`,
    `echo evidence of ${name}; echo "begin ${name} 0000000000000" >> "$EFFECTS"; wait`,
  ].join('; ');
}

describe.concurrent('a tool host that is killed with SIGKILL', () => {
  it('while bash runs: one report with evidence, bash is not run again, later calls run on a new host', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.call('bash', { command: long('killed') });
      await agent.call('bash', { command: 'echo later' });
      await agent.call('bash', { command: 'echo last' });
    });
    const handle = await w.begin(session.id);
    await w.effect('begin killed');
    const left = readFileSync(`${w.folder}/killed.pids`, 'utf8').trim().split(' ').map(Number);
    expect(left.filter(isAlive)).toHaveLength(2);
    killHost(w, session.id);
    const { calls } = await handle.result();
    expect(calls.map(({ state, posted, isError, attempts }) => [state, posted, isError, attempts])).toEqual([
      ['settled', true, true, 1],
      ['settled', true, false, 1],
      ['settled', true, false, 1],
    ]);
    const [report, later, last] = textsOf(session);
    expect(report).toMatch(/^The outcome of this bash call is not known/);
    expect(report).toContain('evidence of killed');
    expect(report).toContain('It was not retried.');
    expect(later).toMatch(/^\[Note: .*shell.*\]\nlater$/s);
    expect(last).toBe('last');
    expect(w.effects('begin killed')).toHaveLength(1);
    // The orphaned shell and its sleep went with their host.
    await eventually('nothing of the killed host lives', () => !left.some(isAlive));
  });

  it('between two calls: nothing is unknown, the next call runs once on a new host', async () => {
    const w = shared();
    const session = w.session(async (agent: Agent) => {
      await agent.call('bash', { command: 'export MARK=set; echo one' });
      killHost(w, session.id);
      await agent.call('bash', {
        command: 'echo "two $MARK"; echo "begin between 0000000000000" >> "$EFFECTS"',
      });
    });
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls.map(({ posted, isError }) => [posted, isError])).toEqual([
      [true, false],
      [true, false],
    ]);
    expect(textsOf(session)[1]).toMatch(/^\[Note: .*shell.*\]\ntwo ?$/s);
    expect(w.effects('begin between')).toHaveLength(1);
  });

  it('with three calls under way: each of them gets its own report, none runs again', async () => {
    const w = shared();
    const names = ['sib1', 'sib2', 'sib3'];
    const session = w.session(agent =>
      agent.calls(names.map(label => ({ name: 'effect', input: { label, ms: 120_000 } }))),
    );
    const handle = await w.begin(session.id);
    await Promise.all(names.map(name => w.effect(`begin ${name}`)));
    killHost(w, session.id);
    expect((await handle.result()).calls.map(({ posted, isError }) => [posted, isError])).toEqual(
      names.map(() => [true, true]),
    );
    for (const text of textsOf(session))
      expect(text).toMatch(/^The outcome of this effect call is not known/);
    expect(w.effects('begin sib')).toHaveLength(3);
  });

  it('together with its journal: the call is answered as unknown, and the session goes on', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.call('bash', { command: long('robbed') });
      await agent.call('bash', { command: 'echo later' });
    });
    const handle = await w.begin(session.id);
    await w.effect('begin robbed');
    killHost(w, session.id);
    rmSync(sessionFolder(w.stateDir, session.id), { recursive: true, force: true });
    const { calls } = await handle.result();
    expect(calls.map(({ posted, isError }) => [posted, isError])).toEqual([
      [true, true],
      [true, false],
    ]);
    const [report, later] = textsOf(session);
    expect(report).toMatch(/^The outcome of this bash call is not known/);
    expect(later).toMatch(/later$/);
    expect(answersOf(session).map(({ refused }) => refused)).toEqual([0, 0]);
    expect(w.effects('begin robbed')).toHaveLength(1);
  });
});
