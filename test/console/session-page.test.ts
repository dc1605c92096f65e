/** What the page of a session tells. */
import { describe, expect, it } from 'vitest';
import { detail, time } from '../timeline/call.ts';
import { reading, testConsole } from './pages.ts';

function settled(index: number) {
  return detail({
    id: `sevt_${index}`,
    summary: `bash: step ${index}`,
    state: 'settled',
    why: 'posted',
    posted: true,
    attempts: 1,
    place: index,
    seenAt: time(index * 1_000),
    startedAt: time(index * 1_000 + 10),
    finishedAt: time(index * 1_000 + 500),
    settledAt: time(index * 1_000 + 600),
  });
}

async function pageOf(view: Parameters<typeof reading>[0], path = '/sessions/sesn_1'): Promise<string> {
  return (await testConsole({ session: async () => reading(view) }).get(path)).text();
}

describe('the timeline', () => {
  it('shows the newest of 2,000 calls in a page that a browser likes, and pages to the oldest', async () => {
    const calls = Array.from({ length: 2_000 }, (_, index) => settled(index + 1));
    const first = await pageOf({ calls });
    expect(first.match(/id="call-/g)).toHaveLength(100);
    expect(first.indexOf('step 2000<')).toBeLessThan(first.indexOf('step 1999<'));
    expect(first.length).toBeLessThan(400_000);
    const last = await pageOf({ calls }, '/sessions/sesn_1?page=20');
    expect(last).toContain('bash: step 1<');
    expect(last).toContain('2,000 calls, page 20 of 20');
    expect(await pageOf({ calls }, '/sessions/sesn_1?page=999')).toContain('page 20 of 20');
  });

  it('has a bar for each thing that a call passed, and says them in words too', async () => {
    const call = detail({
      state: 'settled',
      why: 'posted',
      confirmation: 'allow',
      seenAt: time(0),
      heldAt: time(0),
      decidedAt: time(60_000),
      decidedBy: 'alice',
      startedAt: time(61_000),
      finishedAt: time(65_000),
      settledAt: time(65_200),
      reattached: { times: 2, at: time(63_000) },
      unfinished: 'unknown',
      attempts: 1,
    });
    const page = await pageOf({ calls: [call] });
    for (const kind of ['waiting', 'held', 'running', 'posting'])
      expect(page).toContain(`<rect class="${kind}"`);
    for (const kind of ['allowed', 'reattached', 'unknown']) expect(page).toContain(`class="mark ${kind}"`);
    expect(page).toContain('held 1 min, waited 1.0 s, ran 4.0 s, posted in 200 ms; alice allowed it at');
  });

  it('can be cut down to what is not over, and to what did not go as usual', async () => {
    const calls = [
      settled(1),
      detail({ id: 'sevt_open', summary: 'bash: open', state: 'running' }),
      { ...settled(3), isError: true },
    ];
    const open = await pageOf({ calls }, '/sessions/sesn_1?shown=open');
    expect(open.match(/id="call-[^"]+"/g)).toEqual(['id="call-sevt_open"']);
    const trouble = await pageOf({ calls }, '/sessions/sesn_1?shown=trouble');
    expect(trouble.match(/id="call-[^"]+"/g)).toEqual(['id="call-sevt_3"']);
  });
});

describe('a call', () => {
  it('is not said to run where its host takes no work', async () => {
    const call = detail({ state: 'running', why: 'its tool runs', startedAt: time(0), attempts: 1 });
    const untaken = {
      type: 'runTool',
      id: call.id,
      what: 'running a tool',
      attempt: 2,
      state: 'waiting' as const,
      since: time(0),
    };
    const none = { next: null, failure: null, failureType: null, givenUpAfterMs: null };
    const page = await pageOf({ calls: [call], pending: [{ ...untaken, ...none }] });
    expect(page).toContain('its host takes no work');
    expect(page).not.toContain('its tool runs');
  });

  it('whose end nobody knows says so, and that it was not run again', async () => {
    const call = detail({
      state: 'settled',
      why: 'posted',
      posted: true,
      isError: true,
      unfinished: 'unknown',
    });
    const page = await pageOf({ calls: [call] }, `/sessions/sesn_1/calls/${call.id}`);
    expect(page).toContain('Nobody knows how it ended');
    expect(page).toContain('It was not run again, and the agent was told so');
  });
});

describe('a session that cannot be asked', () => {
  it('shows what Temporal alone knows, and says that no worker answers', async () => {
    const {
      status: _,
      calls: __,
      ...rest
    } = reading({ unanswered: 'no answer in time', title: 'mend the tests' });
    const shown = testConsole({
      session: async () => ({
        ...rest,
        pending: [
          {
            type: 'postResults',
            id: '7',
            what: 'posting results',
            attempt: 4,
            state: 'waiting',
            since: time(0),
            next: null,
            failure: 'the API answered 503',
            failureType: 'ApiUnavailable',
            givenUpAfterMs: null,
          },
        ],
      }),
    });
    const page = await (await shown.get('/sessions/sesn_1')).text();
    expect(page).toContain('No worker answers for this session (no answer in time).');
    expect(page).toContain('mend the tests');
    expect(page).toContain('posting results');
    expect(page).toContain('the API answered 503');
  });

  it('is one plain sentence where Temporal knows none, and where Temporal is away', async () => {
    const unknown = await testConsole().get('/sessions/sesn_9');
    expect(unknown.status).toBe(404);
    expect(await unknown.text()).toContain('Temporal knows no run of sesn_9.');
    const away = testConsole({ session: () => Promise.reject(new Error('connect ECONNREFUSED')) });
    const answer = await away.get('/sessions/sesn_1');
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain(
      'Temporal at 127.0.0.1:7233, namespace default does not answer: connect ECONNREFUSED.',
    );
  });
});

describe('the output of a call', () => {
  const call = detail({ state: 'running', attempts: 1, startedAt: time(0) });

  it('says plainly which machine has it', async () => {
    const shown = testConsole({
      session: async () => reading({ host: 'there', calls: [call] }),
      output: async ({ host }) => ({
        kind: 'other-host',
        reason: `the machine with the host id ${host} has it`,
      }),
    });
    const page = await (await shown.get('/sessions/sesn_1/calls/sevt_1')).text();
    expect(page).toContain('the machine with the host id there has it');
    expect(page).toContain('holdfast logs sesn_1 sevt_1');
  });

  it('is told as it comes, from where the page ended, until the call is over', async () => {
    const parts = ['one\n', 'two\n'];
    const shown = testConsole({
      output: async ({ from = 0 }) => {
        const at = from / 4;
        const text = parts[at] ?? '';
        return { kind: 'output', text, from, next: from + text.length, bytes: 8, complete: at >= 1 };
      },
    });
    const stream = await shown.get('/sessions/sesn_1/calls/sevt_1/output?host=here&from=0', {
      accept: 'text/event-stream',
    });
    const said = await stream.text();
    expect([...said.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? '{}').text)).toEqual([
      'one\n',
      'two\n',
    ]);
    expect(said).toContain('event: over');
  });
});

describe('links to the Temporal UI', () => {
  it('name the run, and are left out where the UI is not known', async () => {
    const temporalUi = { address: 'http://127.0.0.1:8233', namespace: 'a b' };
    const shown = testConsole({ session: async () => reading() }, { temporalUi });
    expect(await (await shown.get('/sessions/sesn_1')).text()).toContain(
      'http://127.0.0.1:8233/namespaces/a%20b/workflows/sesn_1/run-1/history',
    );
    expect(await pageOf({})).not.toContain('Temporal UI');
  });
});
