/** Who may read, and who may answer. */
import { describe, expect, it } from 'vitest';
import { held, SELF, TOKEN, testConsole } from './pages.ts';

const ANSWER = '/sessions/sesn_1/calls/sevt_1/answer';
const waiting = { held: async () => ({ calls: [held()], unanswered: [] }) };

/** What a browser sends with a form of the console's own page. */
const OWN = { origin: SELF, 'sec-fetch-site': 'same-origin' };

async function answering(
  headers: Readonly<Record<string, string>>,
  fields: Readonly<Record<string, string>>,
) {
  const shown = testConsole(waiting);
  const cookie = await shown.cookie();
  const form = await shown.formToken(cookie);
  const answer = await shown.app.request(SELF + ANSWER, {
    method: 'POST',
    headers: { host: '127.0.0.1:8234', cookie, ...OWN, accept: 'application/json', ...headers },
    body: new URLSearchParams({ form, result: 'allow', ...fields }),
  });
  return { status: answer.status, text: await answer.text(), answers: shown.answers };
}

describe('the token', () => {
  it('becomes a cookie that no script and no other site sees, and leaves the address', async () => {
    const answer = await testConsole().get(`/approvals?x=1&token=${TOKEN}`);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/approvals?x=1');
    expect(answer.headers.get('set-cookie')).toMatch(
      /^holdfast-\w+=[\w-]{20,}; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect(answer.headers.get('set-cookie')).not.toContain(TOKEN);
  });

  it('of another start opens nothing', async () => {
    const answer = await testConsole().get('/approvals?token=of-another-start');
    expect(answer.status).toBe(403);
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  it('sends nobody to another server', async () => {
    const answer = await testConsole().get(`//evil.example/x?token=${TOKEN}`);
    expect(answer.headers.get('location')).toBe('/evil.example/x');
  });

  it('is not needed to read, and without it no page has a form that answers', async () => {
    const shown = testConsole(waiting);
    const without = await (await shown.get('/approvals')).text();
    expect(without).toContain('rm -rf build');
    expect(without).toContain('Read-only without its token');
    expect(without).not.toContain('data-answer');
    const answer = await (await shown.get('/approvals', { cookie: await shown.cookie() })).text();
    expect(answer).toContain('data-answer');
  });

  it('is needed to read, too, where the console is set so', async () => {
    const shown = testConsole(waiting, { readsNeedToken: true });
    for (const path of ['/sessions', '/approvals', '/sessions/sesn_1', '/assets/theme.css', '/nowhere'])
      expect((await shown.get(path)).status).toBe(403);
    expect((await shown.get('/approvals', { cookie: await shown.cookie() })).status).toBe(200);
  });
});

describe('an answer', () => {
  it('is taken from the console’s own page with the token', async () => {
    const { status, answers } = await answering({}, { by: 'alice', message: 'fine' });
    expect(status).toBe(200);
    // The API takes a message with a denial only.
    expect(answers).toEqual([
      { session: 'sesn_1', answer: { callId: 'sevt_1', result: 'allow', by: 'alice' } },
    ]);
  });

  it('carries a denial’s message', async () => {
    const { answers } = await answering({}, { result: 'deny', message: ' not today ' });
    expect(answers).toMatchObject([{ answer: { result: 'deny', message: 'not today' } }]);
  });

  const refused: readonly (readonly [string, Record<string, string>, Record<string, string>])[] = [
    ['without the cookie', { cookie: '' }, {}],
    ['with a cookie of another token', { cookie: 'holdfast-aaaaaaaaaaaa=x' }, {}],
    ['from another site', { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }, {}],
    [
      'from another port of this machine',
      { origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' },
      {},
    ],
    ['from a page without an origin', { origin: 'null' }, {}],
    ['that does not say where it comes from', { origin: '' }, {}],
    ['with the form of another console', {}, { form: 'x' }],
  ];
  it.each(refused)('%s is refused, and nothing is answered', async (_, headers, fields) => {
    const { status, answers } = await answering(headers, fields);
    expect(status).toBe(403);
    expect(answers).toEqual([]);
  });

  it('without a verdict, or larger than a form is, is refused', async () => {
    expect(await answering({}, { result: 'maybe' })).toMatchObject({ status: 400, answers: [] });
    expect(await answering({}, { message: 'x'.repeat(100_000) })).toMatchObject({ status: 413, answers: [] });
  });

  it('is given by POST only', async () => {
    const shown = testConsole(waiting);
    const answer = await shown.get(`${ANSWER}?result=allow`, { cookie: await shown.cookie() });
    expect(answer.status).toBe(404);
    expect(shown.answers).toEqual([]);
  });
});

describe('the name that it is asked by', () => {
  it.each(['evil.example', 'evil.example:8234', '127.0.0.1.evil.example', 'localhost.evil.example:8234', ''])(
    '%j is refused: a page of that name could read the console',
    async host => {
      const answer = await testConsole(waiting).get('/approvals', { host });
      expect(answer.status).toBe(421);
      expect(await answer.text()).not.toContain('rm -rf');
    },
  );

  it.each(['127.0.0.1:8234', 'localhost:9000', '[::1]:8234', '192.0.2.7'])('%s is an address', async host => {
    expect((await testConsole().get('/approvals', { host })).status).toBe(200);
  });
});

it('lets no page load, frame or run anything but its own files', async () => {
  const { headers } = await testConsole().get('/approvals');
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('access-control-allow-origin')).toBeNull();
});
