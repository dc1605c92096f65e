/** What agents and tools write is hostile: it is shown as it is, and does nothing. */
import { describe, expect, it } from 'vitest';
import { plainText } from '../../src/console/words.ts';
import { detail } from '../timeline/call.ts';
import { held, reading, testConsole } from './pages.ts';

const SCRIPT = '<script>alert(1)</script>';
const QUOTES = `"><img src=x onerror='alert(1)'>`;
const NASTY = `${SCRIPT}${QUOTES}`;

async function everyPage(): Promise<string[]> {
  const call = detail({
    id: NASTY,
    name: NASTY,
    summary: NASTY,
    why: NASTY,
    thread: NASTY,
    state: 'held',
    seenAt: '2026-03-01T11:00:00Z',
    decidedBy: NASTY,
  });
  const view = reading({
    session: NASTY,
    title: NASTY,
    host: NASTY,
    calls: [call],
    status: { state: 'running', waitingFor: NASTY, record: [{ at: '2026-03-01T11:00:00Z', what: NASTY }] },
    pending: [
      {
        type: NASTY,
        id: NASTY,
        what: NASTY,
        attempt: 3,
        state: 'waiting',
        since: '2026-03-01T11:00:00Z',
        next: null,
        failure: NASTY,
        failureType: NASTY,
        givenUpAfterMs: null,
      },
    ],
    unanswered: NASTY,
  });
  const ended = {
    ...view,
    endedAt: '2026-03-01T12:00:00Z',
    execution: 'FAILED',
    outcome: { state: NASTY, reason: NASTY },
  };
  const waiting = held({
    session: NASTY,
    call: NASTY,
    name: NASTY,
    summary: NASTY,
    thread: NASTY,
    input: { [NASTY]: NASTY, deep: { [NASTY]: [NASTY] } },
  });
  const row = {
    session: NASTY,
    runId: NASTY,
    state: NASTY,
    openCalls: 1,
    heldCalls: 1,
    host: NASTY,
    title: NASTY,
    startedAt: '2026-03-01T11:00:00Z',
    endedAt: null,
  };
  const shown = testConsole({
    sessions: async () => ({ rows: [row], more: true, counts: { open: 1 }, problem: NASTY }),
    session: async (_, run) => (run === undefined ? view : ended),
    held: async () => ({ calls: [waiting], unanswered: [{ session: NASTY, reason: NASTY }] }),
    heldOf: async () => [waiting],
    output: async () => ({ kind: 'output', text: NASTY, from: 0, next: 9, bytes: 9, complete: false }),
    thisHost: async () => NASTY,
  });
  const cookie = await shown.cookie();
  const id = encodeURIComponent(NASTY);
  const paths = [
    '/approvals',
    `/sessions?id=${id}&host=${id}`,
    `/sessions/${id}`,
    `/sessions/${id}?run=1`,
    `/sessions/${id}/calls/${id}`,
    `/${id}`,
  ];
  return Promise.all(paths.map(async path => (await shown.get(path, { cookie })).text()));
}

describe('a page', () => {
  it('holds nothing of what others wrote as markup', async () => {
    for (const page of await everyPage()) {
      expect(page).not.toContain('<script>');
      expect(page).not.toContain('<img src=x');
    }
  });

  it('shows it all the same', async () => {
    const pages = await everyPage();
    for (const page of pages.slice(0, 5)) expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('has no script, style or handler of its own in the text, as its policy forbids them', async () => {
    for (const page of await everyPage()) {
      expect(page.match(/<script(?![^>]* src="\/assets\/)/g)).toBeNull();
      expect(page).not.toMatch(/<style|<[^>]+ (style|on\w+)="/);
    }
  });

  it('does not show what a person asks for with another meaning than it has', async () => {
    // Reads as `rm -rf /tmp/x # safe` on a screen that obeys them.
    const command = 'echo ok\u202e; rm -rf /\u2066 # \u0000\u001b[2K\u200b';
    const shown = testConsole({
      held: async () => ({ calls: [held({ input: { command } })], unanswered: [] }),
    });
    const page = await (await shown.get('/approvals')).text();
    expect(page).toContain('echo ok\\u202e; rm -rf /\\u2066 # \\u0000\\u200b');
  });
});

describe('text of several lines', () => {
  it('keeps its lines and tabs, and spells out what would not be seen', () => {
    expect(plainText('a\tb\r\nc\rd')).toBe('a\tb\nc\nd');
    expect(plainText('\u001b[31mred\u001b[0m!\u0007\u{e0001}')).toBe('red!\\u0007\\u{e0001}');
    expect(plainText('\ud800')).toBe('\ufffd');
  });
});
