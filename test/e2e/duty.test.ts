/** What somebody on duty does in a terminal and through the library, and what docs/duty.md tells them to type. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { onHost, SESSION_QUERIES } from '../../src/client/session-rows.ts';
import { answerApproval, heldCalls } from '../../src/client.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import type { Exit } from './support/holdfast-process.ts';
import { sharedWorld, type World } from './support/world.ts';

const shared = sharedWorld(import.meta.url);
const page = readFileSync(fileURLToPath(new URL('../../docs/duty.md', import.meta.url)), 'utf8');

/** Writes a line, waits until `line` stands among the effects, and writes another. */
const waitsFor = (line: string) =>
  `echo first; until grep -qs '^${line} ' "$EFFECTS"; do sleep 0.2; done; echo second`;

async function heldOf(w: World, session: SessionHandle): Promise<string> {
  return eventually('the call is held', async () => {
    const calls = await w.calls(session.id).catch(() => []);
    return calls.find(({ state }) => state === 'held')?.id;
  });
}

async function done(w: World, args: readonly string[], env?: Record<string, string>): Promise<Exit> {
  const exit = await w.run(args, env).exit;
  expect([args, exit.code, exit.stderr]).toEqual([args, 0, '']);
  return exit;
}

type Row = Record<string, unknown>;

function rowsOf(text: string): Row[] {
  return text.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Row]));
}

async function found(w: World, query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of w.client.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

describe.concurrent('a held call', () => {
  it('is found and answered in the terminal, where its output and its time are seen', async () => {
    const w = shared();
    const watch = w.run(['watch', '--json']);
    const script = [{ ask: 'bash', input: { command: waitsFor('go on') } }];
    const session = w.session(script, { title: 'Clean up\u001b[31m the cluster' });
    const handle = await w.begin(session.id, { maxIdleMs: 600_000 });
    await watch.says(new RegExp(`"session":"${session.id}","state":"held"`));
    const one = w.run(['watch', session.id]);
    const told = await Promise.all(
      [
        ['list', '--held'],
        ['approvals', 'list'],
      ].map(args => done(w, [...args, '--json'])),
    );
    const [listed, asked] = told.map(exit => rowsOf(exit.stdout).find(row => row.session === session.id));
    expect(listed).toMatchObject({ state: 'held', title: 'Clean up [31m the cluster' });
    expect(asked).toMatchObject({ input: { command: waitsFor('go on') } });
    const call = String(asked?.call);

    await one.says(new RegExp(`${call} {2}held {2}bash: echo first`));
    expect((await done(w, ['approvals', 'allow', session.id, call, '--by', 'alice'])).stdout).toBe(
      `allowed ${call} of ${session.id}\n`,
    );
    // The end of the id, before it is known whether the tool has begun.
    const follow = w.run(['logs', session.id, call.slice(-8), '--follow']);
    // bash keeps a line feed back that may begin its own end mark.
    await follow.says('first');
    expect((await done(w, ['logs', session.id, call])).stdout).toBe('first');
    expect(follow.stdout).toBe('first');
    w.note('go on');
    expect(await follow.exit).toMatchObject({ code: 0, stdout: 'first\nsecond\n', stderr: '' });
    await one.says(new RegExp(`${call} {2}settled {2}bash: echo first.*\\(posted\\)`));
    for (const each of [one, watch]) expect((await each.end('SIGINT')).code).toBe(0);

    const [{ stdout }, json] = await Promise.all([
      done(w, ['show', session.id], { LC_ALL: 'C' }),
      done(w, ['show', session.id, '--json']),
    ]);
    expect(stdout).toContain('title: Clean up [31m the cluster');
    expect(stdout).toMatch(/^bash: echo first.* {2}settled {2}-+\+[.>]*#+>*$/m);
    expect(stdout).toMatch(/^\+ \d\d:\d\d:\d\dZ {2}bash: echo first.*: alice allowed it$/m);
    const [shown] = rowsOf(json.stdout).flatMap(({ calls }) => calls as readonly Row[]);
    expect(shown).toMatchObject({ id: call, state: 'settled', decidedBy: 'alice', confirmation: 'allow' });
    const times = [shown?.seenAt, shown?.heldAt, shown?.decidedAt, shown?.settledAt];
    expect(times).toEqual(times.toSorted());
    expect(textsOf(session)).toEqual(['first\nsecond']);

    const [shownCall, callJson] = await Promise.all([
      done(w, ['show', session.id, call.slice(-8)]),
      done(w, ['show', session.id, call, '--json']),
    ]);
    expect(shownCall.stdout).toContain(`${call}\n\nINPUT\n{\n  "command": "echo first;`);
    expect(shownCall.stdout).toMatch(/\n\nRESULT\nfirst\nsecond\n$/);
    expect(rowsOf(callJson.stdout)).toMatchObject([
      { id: call, posted: true, input: { command: waitsFor('go on') }, content: [{ text: 'first\nsecond' }] },
    ]);

    const none = await w.run(['show', session.id, 'sevt_none']).exit;
    expect([none.code, none.stdout]).toEqual([2, '']);
    expect(none.stderr).toContain(`${session.id} has no call sevt_none; see: holdfast show ${session.id}`);

    // What the Temporal UI shows of each step.
    const { activities, timers } = await eventually('the turn is over', async () => {
      const history = await w.history(session.id);
      return history.countdowns.length > 0 && history;
    });
    for (const { summary } of [...activities, ...timers]) expect(summary).toMatch(/\w+ \w+/);
    expect(activities.find(({ id }) => id === call)?.summary).toMatch(/^bash: echo first/);
    expect(timers.at(-1)?.summary).toBe('waiting 600 s for the next turn');
    await w.begin(session.id, { maxIdleMs: 100 });
    expect((await handle.result()).calls).toMatchObject([{ posted: true, attempts: 1 }]);
  });

  it('is found and answered through the client library', async () => {
    const w = shared();
    const session = w.session([{ ask: 'bash', input: { command: 'echo from a library' } }]);
    const handle = await w.begin(session.id);
    const call = await eventually('it is found among all that are held', async () =>
      (await heldCalls(w.client)).calls.find(each => each.session === session.id),
    );
    expect(call).toMatchObject({ name: 'bash', input: { command: 'echo from a library' }, owned: true });
    const said = { callId: call.call, result: 'allow', by: 'a backend' } as const;
    expect(await answerApproval(w.client, session.id, said)).toEqual({ kind: 'accepted' });
    expect((await handle.result()).calls).toMatchObject([
      { posted: true, attempts: 1, decidedBy: 'a backend', confirmation: 'allow' },
    ]);
    expect(textsOf(session)).toEqual(['from a library']);
  });
});

describe.concurrent('docs/duty.md', () => {
  it('has queries that find sessions with held calls, stuck ones, those of a host and failed ones', async () => {
    const w = shared();
    const queries = Object.fromEntries(
      [...page.matchAll(/<!-- (\w+) -->\n```sql\n(.*)\n```/g)].map(([, name = '', query = '']) => [
        name,
        query,
      ]),
    );
    const someHost = '0a1b2c3d4e5f';
    expect(queries).toMatchObject({
      served: SESSION_QUERIES.running,
      held: SESSION_QUERIES.held,
      stuck: SESSION_QUERIES.stuck,
      host: onHost(SESSION_QUERIES.running, someHost),
      failed: SESSION_QUERIES.failed,
    });
    const held = w.session([{ ask: 'bash', input: { command: 'echo held' } }]);
    const stuck = w.session([{ call: 'bash', input: { command: 'echo stuck' } }]);
    const failed = w.session('manual');
    stuck.setFaults({ fail: [{ route: 'send', status: 503, times: 100_000 }] });
    await w.begin(held.id, { maxIdleMs: 600_000 });
    const run = await w.begin(stuck.id, { stuckAfterMs: 1_000 });
    await (await w.begin(failed.id, { maxIdleMs: 600_000 })).terminate('of a test');
    const finds = (name: string, id: string) =>
      eventually(`${name} finds ${id}`, async () => (await found(w, queries[name] ?? '')).includes(id));
    await finds('served', held.id);
    await finds('held', held.id);
    await finds('stuck', stuck.id);
    await finds('failed', failed.id);
    expect(await found(w, queries.held ?? '')).not.toContain(stuck.id);
    expect(await found(w, queries.stuck ?? '')).not.toContain(held.id);
    const { host, waitingFor } = await eventually('it is stuck on its post', async () => {
      const status = await w.status(stuck.id);
      return status.stuck?.what === 'the API to take what is posted' && status;
    });
    expect(waitingFor).toBe('results to be posted');
    queries.host = queries.host?.replace(someHost, host ?? '') ?? '';
    await finds('host', stuck.id);
    expect(await found(w, queries.environment ?? '')).toEqual([]);

    const shown = await eventually('what is tried again is shown', async () => {
      const { stdout } = await done(w, ['show', stuck.id]);
      return /^posting results: attempt \d+.*; last failure: .*503/m.test(stdout) && stdout;
    });
    expect(shown).toContain('stuck: it has waited for the API to take what is posted for ');
    expect((await done(w, ['list', '--stuck', '--host', host ?? ''])).stdout).toContain(stuck.id);
    stuck.clearFaults();
    expect((await run.result()).calls).toMatchObject([{ posted: true, attempts: 1 }]);
    const { record } = await w.status(stuck.id);
    const told = record.map(({ what }) => what).filter(what => /progress|goes on/.test(what));
    expect(told.slice(-2)).toEqual([
      'no progress: it waits for the API to take what is posted',
      'it goes on',
    ]);
    await w.client.workflow.getHandle(held.id).terminate('of a test');
  });

  it('tells commands that work as they stand there', async () => {
    const w = shared();
    const commands = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
      block.trim().split('\n'),
    );
    const session = w.session([{ ask: 'bash', input: { command: 'echo on duty' } }]);
    await w.begin(session.id, { maxIdleMs: 600_000 });
    const call = await heldOf(w, session);
    const typed = commands.map(command => {
      const [program, ...args] = command
        .replaceAll('sesn_01ABC', session.id)
        .replaceAll('sevt_01DEF', call)
        .split(' ');
      expect(program).toBe('holdfast');
      return args;
    });
    // Those that change something need what was there before; nobody is hurt by the order of the others.
    const acts = (args: readonly string[]) => ['allow', 'logs', 'stop'].some(word => args.includes(word));
    await Promise.all(typed.filter(args => !acts(args)).map(args => done(w, args)));
    const said: string[] = [];
    for (const args of typed.filter(acts)) said.push((await done(w, args)).stdout);
    expect(said).toEqual([`allowed ${call} of ${session.id}\n`, 'on duty\n', `stopped ${session.id}\n`]);
  });
});

describe.concurrent('what cannot be told', () => {
  it.each([
    [
      ['logs', 'sesn_none', 'sevt_1'],
      2,
      'no run of session sesn_none is known; start it with: holdfast start',
    ],
    [['watch', 'sesn_none'], 2, 'no run of session sesn_none is known'],
  ])('%j is one line that says what to do', async (args, code, words) => {
    const exit = await shared().run(args).exit;
    expect([exit.code, exit.stdout]).toEqual([code, '']);
    expect(exit.stderr).toContain(words);
  });

  it('the output of a call on another machine', async () => {
    const w = shared();
    const session = w.session([{ call: 'bash', input: { command: 'echo here' } }]);
    const summary = await (await w.begin(session.id)).result();
    const call = summary.calls[0]?.id ?? '';
    expect((await done(w, ['logs', session.id, call, '--json'])).stdout).toBe(
      `${JSON.stringify({ session: session.id, call, from: 0, next: 5, text: 'here\n', complete: true })}\n`,
    );
    const other = await w.run(['logs', session.id, call], { HOLDFAST_STATE_DIR: `${w.folder}/other` }).exit;
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain(`the host id ${summary.host}, and nothing has run in the state folder`);
  });
});
