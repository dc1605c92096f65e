/** Calls beside each other: what runs at once, what waits for what, and what harms nobody but itself. */
import { describe, expect, it } from 'vitest';
import type { CallResult } from '../../src/emulator/calls.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { sharedWorld } from './support/world.ts';

const shared = sharedWorld(import.meta.url);

const effect = (label: string, ms: number) => ({ name: 'effect', input: { label, ms } });
const bash = (command: string) => ({ name: 'bash', input: { command } });
const write = (file_path: string, content: string) => ({ name: 'write', input: { file_path, content } });

describe.concurrent('calls of one turn', () => {
  it('W-1: overlap where nothing forbids it: four custom calls that wait for each other all come to their end', async () => {
    const w = shared();
    const names = ['p1', 'p2', 'p3', 'p4'];
    const session = w.session(agent =>
      agent.calls(names.map(label => ({ name: 'meet', input: { label, others: names } }))),
    );
    await (await w.begin(session.id)).result();
    expect(textsOf(session)).toEqual(names.map(name => `${name} met all`));
  });

  it('keep the model’s order where they touch the same things: write, then bash, then write on one path', async () => {
    const w = shared();
    const session = w.session(agent =>
      agent.calls([
        write('a.txt', 'first'),
        bash('sleep 0.3; cat a.txt'),
        write('a.txt', 'second'),
        write('a.txt', 'third'),
        bash('cat a.txt'),
      ]),
    );
    const { calls } = await (await w.begin(session.id)).result();
    const texts = textsOf(session);
    expect([texts[1], texts[4]]).toEqual(['first', 'third']);
    const times = calls.map(({ startedAt, finishedAt }) => [startedAt ?? '', finishedAt ?? ''] as const);
    for (const [i, [start]] of times.entries()) {
      const before = times[i - 1];
      if (before !== undefined) expect(start >= before[1]).toBe(true);
    }
  });

  it('run at most so many at a time as the session may', async () => {
    const w = shared();
    const names = Array.from({ length: 7 }, (_, i) => `m${i}`);
    const session = w.session(agent => agent.calls(names.map(name => effect(name, 500))));
    await (await w.begin(session.id, { maxParallel: 2 })).result();
    expect(textsOf(session)).toHaveLength(7);
    let running = 0;
    const seen = w
      .effects()
      .filter(line => / m\d$/.test(line))
      .map(line => (line.startsWith('begin') ? ++running : running--));
    expect(seen).toHaveLength(14);
    // A loaded machine may never come to have two.
    expect(Math.max(...seen)).toBeLessThanOrEqual(2);
  });

  it('may have inputs too large for a signal: they are read again from the API', async () => {
    const w = shared();
    const content = 'z'.repeat(150_000);
    const session = w.session(agent => agent.calls([write('large.txt', content), bash('wc -c < large.txt')]));
    await (await w.begin(session.id)).result();
    expect(textsOf(session)[1]?.trim()).toBe('150000');
    const { events } = await w.history(session.id);
    expect(JSON.stringify(events).length).toBeLessThan(100_000);
  });

  it('run one at a time where a tool declares that it takes the workspace', async () => {
    const w = shared();
    const alone = (label: string) => ({ name: 'alone', input: { label, ms: 150 } });
    const session = w.session(agent => agent.calls([alone('l1'), alone('l2'), alone('l3')]));
    await (await w.begin(session.id)).result();
    expect(textsOf(session)).toHaveLength(3);
    expect(w.effects().filter(line => / l\d$/.test(line))).toEqual(
      ['l1', 'l2', 'l3'].flatMap(label => [`begin ${label}`, `end ${label}`]),
    );
  });

  it('rows 43, 47, 55: do not wait for one that needs an approval; it starts after its confirmation', async () => {
    const w = shared();
    const session = w.session(agent =>
      agent.calls([
        { ...bash('echo "begin held 0000000000000" >> "$EFFECTS"; echo held'), permission: 'ask' },
        bash('echo free'),
        effect('beside', 10),
      ]),
    );
    const handle = await w.begin(session.id);
    const [held] = await eventually('the others are answered', () => {
      const answers = answersOf(session);
      return answers[1]?.posts === 1 && answers[2]?.posts === 1 && answers;
    });
    expect(held?.posts).toBe(0);
    // Beyond the idle time: a held call keeps the run alive.
    const status = await eventually('the run waits for the approval', async () => {
      const seen = await w.status(session.id);
      return seen.heldCalls === 1 && seen.openCalls === 0 && seen;
    });
    expect(status.waitingFor).toContain('an approval of bash: echo "begin held');
    expect(w.effects('begin held')).toEqual([]);
    session.send({ type: 'user.tool_confirmation', tool_use_id: held?.id, result: 'allow' });
    expect((await handle.result()).calls.map(({ state }) => state)).toEqual([
      'settled',
      'settled',
      'settled',
    ]);
    expect(textsOf(session)).toEqual(['held', 'free', 'did beside']);
    expect(w.effects('begin held')).toHaveLength(1);
  });

  it('rows 41, 42, 43: that a person or the server denies, or that nobody understands, never run', async () => {
    const w = shared();
    const line = (name: string) => bash(`echo "begin denied-${name} 0000000000000" >> "$EFFECTS"`);
    const session = w.session(agent =>
      agent.calls([
        { ...line('by-server'), permission: 'deny' },
        { ...line('by-person'), permission: 'ask' },
        { ...line('unknown'), permission: 'ask_strict' },
      ]),
    );
    const handle = await w.begin(session.id);
    await eventually('two calls are held', async () => (await w.status(session.id)).heldCalls === 2);
    const [, person, unknown] = answersOf(session);
    session.send({ type: 'user.tool_confirmation', tool_use_id: person?.id, result: 'deny' });
    session.send({ type: 'user.tool_confirmation', tool_use_id: unknown?.id, result: 'deny' });
    const { calls } = await handle.result();
    // What the server denied before the first list is answered in the history, and then no call of this run.
    expect(calls.length).toBeGreaterThanOrEqual(2);
    expect(calls.filter(({ state, posted }) => state !== 'settled' || posted)).toEqual([]);
    expect(answersOf(session).map(({ posts, refused }) => posts + refused)).toEqual([0, 0, 0]);
    expect(w.effects('begin denied')).toEqual([]);
  });
});

describe.concurrent('a call that nobody here owns', () => {
  it('rows 3, 5: stays pending and visible, holds off the idle end, and the session goes on once its owner answers', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.calls([{ name: 'someone_elses', kind: 'custom' }, effect('ours', 10)]);
      await agent.call('effect', { label: 'after', ms: 10 });
    });
    const handle = await w.begin(session.id, { maxIdleMs: 100 });
    await w.effect('end ours');
    const status = await eventually('only the unowned call is left', async () => {
      const seen = await w.status(session.id);
      return seen.unownedCalls === 1 && seen.settledCalls === 1 && seen;
    });
    expect(status).toMatchObject({ openCalls: 0, waitingFor: 'other clients: someone_elses' });
    const details = await w.calls(session.id);
    expect(details[0]).toMatchObject({
      state: 'unowned',
      posted: false,
      startedAt: null,
      why: 'left to the client that owns this tool',
    });
    const [unowned] = answersOf(session);
    session.send({
      type: 'user.custom_tool_result',
      custom_tool_use_id: unowned?.id,
      content: [{ type: 'text', text: 'theirs' }],
    });
    const { calls } = await handle.result();
    expect(calls.map(({ name, state, posted }) => [name, state, posted])).toEqual([
      ['someone_elses', 'unowned', false],
      ['effect', 'settled', true],
      ['effect', 'settled', true],
    ]);
    expect(answersOf(session)[0]).toMatchObject({ text: 'theirs', posts: 1, refused: 0 });
    expect(w.effects('begin after')).toHaveLength(1);
  });
});

describe.concurrent('a tool that misbehaves costs only its own call (I12)', () => {
  it('W-22: loops for ever: it is ended at its time limit while its healthy siblings go on', async () => {
    const w = shared();
    const told: CallResult[] = [];
    const session = w.session(async agent => {
      told.push(
        ...(await agent.calls([
          { name: 'loop-for-ever' },
          effect('sibling', 200),
          bash('echo healthy'),
          write('s.txt', 's'),
        ])),
      );
      told.push(await agent.call('bash', { command: 'echo after' }));
    });
    await (await w.begin(session.id)).result();
    expect(told.map(({ is_error }) => is_error)).toEqual([true, false, false, false, false]);
    expect(told[0]?.text).toMatch(/loop-for-ever timed out after 3000 ms/);
    expect(told.slice(1).map(({ text }) => text)).toEqual([
      'did sibling',
      'healthy',
      expect.stringContaining('s.txt'),
      'after',
    ]);
    expect(textsOf(session)).toHaveLength(5);
    // Not one of them waited for it.
    expect(w.effectAt('end sibling')).toBeLessThan(w.effectAt('begin loop-for-ever') + 3_000);
  });

  it('throws what is no Error, returns undefined, exits its process: an error each, siblings unharmed', async () => {
    const w = shared();
    const told: CallResult[] = [];
    const session = w.session(async agent => {
      told.push(
        ...(await agent.calls([
          { name: 'throw-odd' },
          { name: 'return-undefined' },
          { name: 'exit-process' },
          effect('unharmed', 300),
          bash('echo healthy'),
        ])),
      );
      told.push(await agent.call('bash', { command: 'echo after' }));
    });
    await (await w.begin(session.id)).result();
    expect(told.map(({ is_error }) => is_error)).toEqual([true, true, true, false, false, false]);
    expect(told[1]?.text).toContain('undefined');
    for (const { text } of told.slice(0, 3)) expect(text.length).toBeGreaterThan(10);
    expect(told.slice(3).map(({ text }) => text)).toEqual(['did unharmed', 'healthy', 'after']);
    expect(textsOf(session)).toHaveLength(6);
  });

  it('W-20: returns 200 MB: the result is cut with a notice, and posted once', async () => {
    const w = shared();
    const told: CallResult[] = [];
    const session = w.session(async agent => {
      told.push(
        ...(await agent.calls([{ name: 'large', input: { bytes: 200_000_000 } }, effect('small', 50)])),
      );
    });
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls.map(({ state, posted, attempts }) => [state, posted, attempts])).toEqual([
      ['settled', true, 1],
      ['settled', true, 1],
    ]);
    expect(told[0]?.text.length).toBeLessThan(10_000_000);
    expect(told[0]?.text).toContain('of 200000000 characters left out here');
    expect(told[0]?.text.endsWith(' end')).toBe(true);
    expect(told[1]?.text).toBe('did small');
    expect(textsOf(session)).toHaveLength(2);
  });

  it('is not started for an input that misses its schema: the model is told what is missing', async () => {
    const w = shared();
    const told: CallResult[] = [];
    const session = w.session(async agent => {
      told.push(await agent.call('typed', { town: 'Bern' }));
      told.push(await agent.call('typed', { city: 'Bern' }));
    });
    await (await w.begin(session.id)).result();
    expect(told.map(({ is_error }) => is_error)).toEqual([true, false]);
    expect(told[0]?.text).toContain('city');
    expect(told[1]?.text).toBe('weather of Bern');
    expect(w.effects('begin typed')).toHaveLength(1);
  });
});
