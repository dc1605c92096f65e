/** Sessions whose events are odd: each is served as far as it can be, and says so; the others notice nothing. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { sharedWorld } from './support/world.ts';

const w = sharedWorld(import.meta.url);

const effect = (label: string) => ({ name: 'effect', input: { label, ms: 1 } });

describe.concurrent('an odd event', () => {
  it('without an id is left out with a line, and the calls around it are served', async () => {
    const session = w().session(async agent => {
      agent.emit({ type: 'agent.tool_use', id: '', name: 'bash', input: { command: 'exit 3' } });
      await agent.calls([effect('beside')]);
    });
    const handle = await w().begin(session.id);
    await eventually('the other is answered', () => session.ledger().calls[1]?.accepted.length === 1);
    // The server waits for an answer that nobody can give; a person ends that.
    session.send({ type: 'user.interrupt' });
    const summary = await handle.result();
    expect(summary).toMatchObject({ state: 'done', calls: [{ name: 'effect', posted: true }] });
    expect(w().effects('end beside')).toHaveLength(1);
    expect(w().said()).toContain(`session ${session.id}: an agent.tool_use without an id was left out`);
  });

  it('that answers a call nobody knows changes nothing', async () => {
    const session = w().session(async agent => {
      agent.emit({ type: 'user.tool_result', tool_use_id: 'sevt_nobody', content: [] });
      agent.emit({ type: 'agent.tool_result', tool_use_id: '../../x', content: [], is_error: true });
      agent.emit({ type: 'user.tool_confirmation', tool_use_id: 'sevt_nobody', result: 'deny' });
      await agent.calls([effect('known')]);
    });
    const { line } = await w().start(session.id, '--max-idle', '500ms');
    expect(line).toMatchObject({ state: 'done', calls: [{ name: 'effect', posted: true }] });
  });
});

describe.concurrent('odd names', () => {
  it('of a call, with ../ and control characters, stay inside the state folder and are answered', async () => {
    const id = '../../../odd\u0007\u001b[2J\nid';
    const session = w().session(agent => agent.calls([{ ...effect('odd-id'), id }]));
    const { line } = await w().start(session.id, '--max-idle', '500ms');
    expect(line?.calls).toMatchObject([{ id, posted: true, attempts: 1 }]);
    expect(textsOf(session)).toEqual(['did odd-id']);
    const outside = [w().folder, dirname(w().folder)].flatMap(folder => readdirSync(folder));
    expect(outside.filter(name => name.startsWith('odd'))).toEqual([]);
    const journal = readdirSync(join(w().stateDir, 'sessions'), { recursive: true, encoding: 'utf8' });
    expect(journal.filter(name => name.includes('odd')).length).toBeGreaterThan(0);
  });

  it('of a tool are left to their owner, and shown without what would move the cursor', async () => {
    const name = '../../bin/sh\u001b[2J\n| \u202efake';
    const session = w().session(agent => agent.calls([{ name, kind: 'custom' }, effect('named')]));
    const handle = await w().begin(session.id, { maxIdleMs: 200 });
    await w().effect('end named');
    await eventually(
      'only the odd one is left',
      async () => (await w().status(session.id)).settledCalls === 1,
    );
    const { stdout } = await w().run(['show', session.id]).exit;
    expect(stdout).toContain('other clients: ../../bin/sh [2J | fake');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}/u);
    const [odd] = session.ledger().calls;
    session.send({ type: 'user.custom_tool_result', custom_tool_use_id: odd?.id, content: [] });
    expect((await handle.result()).state).toBe('done');
  });
});

describe.concurrent('too much of it', () => {
  it('an input of 10 MB runs like any other', async () => {
    const padding = 'x'.repeat(10_000_000);
    const input = { label: 'ten-mb', ms: 1, padding };
    const session = w().session(agent => agent.calls([{ name: 'effect', input }, effect('small')]));
    const { line } = await w().start(session.id, '--max-idle', '500ms');
    expect(line?.calls).toMatchObject([
      { name: 'effect', posted: true, isError: false },
      { name: 'effect', posted: true, isError: false },
    ]);
    expect(textsOf(session)).toEqual(['did ten-mb', 'did small']);
  });
});
