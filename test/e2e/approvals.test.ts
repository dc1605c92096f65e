/** Decisions that come through us: the command line, the library, crashes and deadlines between them and the API. */
import { describe, expect, it } from 'vitest';
import { answerApproval, heldCalls } from '../../src/client.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { runIdsOf } from './support/history.ts';
import { sharedWorld, type World, world } from './support/world.ts';

const shared = sharedWorld(import.meta.url);

const marked = (name: string) => `echo "begin ${name} 0000000000000" >> "$EFFECTS"; echo ${name} done`;

/** The id of the first call, once the run holds it. */
async function held(w: World, session: SessionHandle): Promise<string> {
  return eventually('the call is held', async () => {
    const calls = await w.calls(session.id).catch(() => []);
    return calls.find(({ state }) => state === 'held')?.id;
  });
}

/** The results that the server wrote itself. */
function toldByServer(session: SessionHandle): string {
  return JSON.stringify(session.events('agent.tool_result').map(({ content }) => content));
}

function verdicts(session: SessionHandle): unknown[] {
  return session
    .events('user.tool_confirmation')
    .filter(event => event.processed_at !== null)
    .map(({ tool_use_id, result }) => [tool_use_id, result]);
}

describe.concurrent('holdfast approvals', () => {
  it('lists a held call with its input, allows it once, and says what is not held any more', async () => {
    const w = shared();
    const session = w.session(async agent => {
      // The state's word stays the same while this runs: what is held must be found all the same.
      const beside = agent.call('wait_for', { label: 'beside', line: 'cli listed' });
      await eventually('the other runs', async () =>
        (await w.calls(session.id).catch(() => [])).some(({ state }) => state === 'running'),
      );
      await Promise.all([beside, agent.ask('bash', { command: marked('cli') })]);
    });
    const handle = await w.begin(session.id, { maxIdleMs: 600_000 });
    await w.effect('begin beside');
    const call = await held(w, session);
    const lines = await eventually('it is listed', async () => {
      const { stdout, code } = await w.run(['approvals', 'list', '--json']).exit;
      expect(code).toBe(0);
      const all = stdout.split('\n').flatMap(line => (line === '' ? [] : JSON.parse(line)));
      const mine = all.filter(each => each.session === session.id);
      return mine.length > 0 && mine;
    });
    expect(lines).toMatchObject([
      { call, name: 'bash', input: { command: marked('cli') }, owned: true, deadline: null },
    ]);
    const table = await w.run(['approvals', 'list']).exit;
    expect(table.stdout).toMatch(new RegExp(`${session.id} +${call} +bash: echo`));
    w.note('cli listed');

    const unknown = await w.run(['approvals', 'allow', session.id, 'sevt_none']).exit;
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('sevt_none is no call of this session');
    expect(w.effects('begin cli')).toEqual([]);

    const allowed = await w.run(['approvals', 'allow', session.id, call, '--by', 'alice']).exit;
    expect(allowed).toMatchObject({ code: 0, stdout: `allowed ${call} of ${session.id}\n` });
    const again = await answerApproval(w.client, session.id, { callId: call, result: 'deny' });
    expect(again).toMatchObject({ kind: 'rejected' });
    expect(JSON.stringify(again)).toMatch(/is (answered already: alice allowed it|not held any more)/);
    await eventually('both are served', () => session.info().open_calls.length === 0);
    await w.begin(session.id, { maxIdleMs: 100 });
    const summary = await handle.result();
    expect(summary.calls.map(({ posted, attempts }) => [posted, attempts])).toEqual([
      [true, 1],
      [true, 1],
    ]);
    expect(textsOf(session)[1]).toBe('cli done');
    expect(w.effects('begin cli')).toHaveLength(1);
    expect(verdicts(session)).toEqual([[call, 'allow']]);
    expect(await answerApproval(w.client, session.id, { callId: call, result: 'allow' })).toEqual({
      kind: 'not-served',
    });
  });

  it('watches for new ones until Ctrl-C, and denies one: the agent reads why, nothing runs', async () => {
    const w = shared();
    const watch = w.run(['approvals', 'watch', '--json']);
    const session = w.session([{ ask: 'bash', input: { command: marked('watched') } }]);
    const handle = await w.begin(session.id);
    const call = await held(w, session);
    await watch.says(`"call":"${call}"`);
    const denied = await w.run(['approvals', 'deny', session.id, call, '--message', 'not on a Friday']).exit;
    expect(denied.code).toBe(0);
    expect((await handle.result()).calls).toMatchObject([{ state: 'settled', posted: false, attempts: 0 }]);
    expect(toldByServer(session)).toContain('not on a Friday');
    expect(w.effects('begin watched')).toEqual([]);
    const ended = await watch.end('SIGINT');
    expect(ended.code).toBe(0);
    expect(ended.stdout.split('\n').filter(line => line.includes(call))).toHaveLength(1);
  });
});

describe.concurrent('a verdict that the API does not take at once', () => {
  it('is overtaken by another client’s denial: the call never runs', async () => {
    const w = shared();
    const session = w.session([{ ask: 'bash', input: { command: marked('overtaken') } }]);
    const handle = await w.begin(session.id);
    const call = await held(w, session);
    session.setFaults({ fail: [{ route: 'send', status: 503, times: 1_000 }] });
    expect(await answerApproval(w.client, session.id, { callId: call, result: 'allow' })).toEqual({
      kind: 'accepted',
    });
    session.send({ type: 'user.tool_confirmation', tool_use_id: call, result: 'deny' });
    await eventually('it is denied', async () => (await w.calls(session.id))[0]?.state === 'settled');
    session.clearFaults();
    expect((await handle.result()).calls).toMatchObject([{ state: 'settled', posted: false, attempts: 0 }]);
    expect(w.effects('begin overtaken')).toEqual([]);
    expect(verdicts(session)).toEqual([[call, 'deny']]);
  });

  it('whose answer was lost stands once', async () => {
    const w = shared();
    const session = w.session([{ ask: 'bash', input: { command: marked('lost') } }]);
    const handle = await w.begin(session.id);
    const call = await held(w, session);
    session.setFaults({ lose_responses: 1 });
    await answerApproval(w.client, session.id, { callId: call, result: 'allow' });
    expect((await handle.result()).calls).toMatchObject([{ posted: true, attempts: 1 }]);
    expect(verdicts(session)).toEqual([[call, 'allow']]);
    expect(answersOf(session)).toMatchObject([{ text: 'lost done', posts: 1 }]);
  });
});

describe.concurrent('a held call', () => {
  it('W-11: survives the worker and continue-as-new, and so does a verdict that the API has not taken yet', async context => {
    const w = await world(context);
    // Without the search attributes, which a worker registers, every session is asked: there is none.
    expect(await heldCalls(w.client)).toEqual({ calls: [], unanswered: [] });
    const first = await w.worker();
    const session = w.session(async agent => {
      const asked = agent.ask('bash', { command: marked('held') });
      for (let i = 0; i < 12; i++) await agent.call('effect', { label: `c${i}`, ms: 1 });
      await asked;
    });
    const handle = await w.begin(session.id, { maxHistory: 80 });
    const call = await held(w, session);
    await w.effect('end c11');
    await first.end('SIGKILL');
    const second = await w.worker();
    expect((await runIdsOf(w.client, session.id)).length).toBeGreaterThan(1);
    expect((await heldCalls(w.client)).calls).toMatchObject([{ session: session.id, call }]);
    session.setFaults({ fail: [{ route: 'send', status: 503, times: 1_000 }] });
    await answerApproval(w.client, session.id, { callId: call, result: 'allow', by: 'alice' });
    await second.end('SIGKILL');
    session.clearFaults();
    await w.worker();
    const { calls } = await handle.result();
    expect(calls.filter(each => !(each.posted && each.attempts === 1))).toEqual([]);
    expect(w.effects('begin held')).toHaveLength(1);
    expect(verdicts(session)).toEqual([[call, 'allow']]);
  });

  it('W-26: is denied when its deadline is over, also where every worker was down by then', async context => {
    const w = await world(context);
    const worker = await w.worker();
    const session = w.session([{ ask: 'bash', input: { command: marked('late') } }]);
    const handle = await w.begin(session.id, { approvalDeadlineMs: 3_000 });
    await held(w, session);
    // Temporal's list is eventually consistent.
    const deadline = await eventually(
      'it is listed with its deadline',
      async () => (await heldCalls(w.client)).calls[0]?.deadline ?? undefined,
    );
    await worker.end('SIGKILL');
    await eventually('the deadline is over', () => Date.now() > Date.parse(deadline));
    await w.worker();
    expect((await handle.result()).calls).toMatchObject([{ state: 'settled', posted: false, attempts: 0 }]);
    expect(toldByServer(session)).toContain('nobody answered within 3 s');
    const { timers } = await w.history(session.id);
    expect(timers.filter(({ summary }) => summary === 'until a deadline')).toHaveLength(1);
    expect(w.effects('begin late')).toEqual([]);
  });

  it('does not keep a run from ending after its longest duration; it stays held on the server', async () => {
    const w = shared();
    const session = w.session([{ ask: 'bash', input: { command: marked('long') } }]);
    const started = await w.start(session.id, '--max-duration', '2s');
    expect(started).toMatchObject({ code: 0, line: { state: 'stopped', reason: 'max duration' } });
    expect(started.line?.calls).toMatchObject([{ state: 'held', posted: false, attempts: 0 }]);
    expect(answersOf(session)).toMatchObject([{ posts: 0, refused: 0 }]);
  });
});
