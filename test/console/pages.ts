/** A console over data that a test writes down, asked without a port. */
import type { Hono } from 'hono';
import { createAccess } from '../../src/console/access.ts';
import { createConsoleApp } from '../../src/console/app.ts';
import { createLive } from '../../src/console/live.ts';
import type { ConsoleSource, SessionReading } from '../../src/console/source.ts';
import type { ApprovalAnswer, HeldCall } from '../../src/workflows/messages.ts';

export const TOKEN = 'a-token-of-the-tests';
export const SELF = 'http://127.0.0.1:8234';

export interface Asked {
  readonly session: string;
  readonly answer: ApprovalAnswer;
}

export interface TestConsole {
  readonly app: Hono;
  /** What was answered, in order. */
  readonly answers: Asked[];
  /** A page's text; `cookie` absent: without the token. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** The cookie that the token's URL gives. */
  cookie(): Promise<string>;
  /** The form's token, as a page shows it to the token's holder. */
  formToken(cookie: string): Promise<string>;
}

export function testConsole(
  data: Partial<ConsoleSource> = {},
  more: {
    readonly readsNeedToken?: boolean;
    readonly temporalUi?: { address: string; namespace: string };
  } = {},
): TestConsole {
  const answers: Asked[] = [];
  const source: ConsoleSource = {
    sessions: async () => ({ rows: [], more: false, counts: {} }),
    session: async () => undefined,
    held: async () => ({ calls: [], unanswered: [] }),
    heldOf: async () => [],
    waiting: async () => 0,
    answer: async (session, answer) => {
      answers.push({ session, answer });
      return { kind: 'accepted' };
    },
    output: async () => ({ kind: 'no-call', reason: 'nothing was started' }),
    thisHost: async () => 'here',
    ...data,
  };
  const app = createConsoleApp({
    source,
    access: createAccess({ token: TOKEN, readsNeedToken: more.readsNeedToken ?? false }),
    live: createLive({ signal: new AbortController().signal }),
    temporal: '127.0.0.1:7233, namespace default',
    temporalUi: more.temporalUi,
    defaultName: 'tester',
  });
  const get = async (path: string, headers: Readonly<Record<string, string>> = {}) =>
    app.request(SELF + path, { headers: { host: '127.0.0.1:8234', ...headers } });
  return {
    app,
    answers,
    get,
    async cookie() {
      const answer = await get(`/approvals?token=${TOKEN}`);
      return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    },
    async formToken(cookie) {
      const page = await (await get('/approvals', { cookie })).text();
      return /name="form" value="([^"]+)"/.exec(page)?.[1] ?? '';
    },
  };
}

export const NOW = '2026-03-01T12:00:00.000Z';

export function held(more: Partial<HeldCall> = {}): HeldCall {
  return {
    session: 'sesn_1',
    call: 'sevt_1',
    type: 'agent.tool_use',
    name: 'bash',
    summary: 'bash: rm -rf build',
    input: { command: 'rm -rf build' },
    thread: null,
    owned: true,
    since: NOW,
    deadline: null,
    ...more,
  };
}

export function reading(more: Partial<SessionReading> = {}): SessionReading {
  return {
    session: 'sesn_1',
    runId: 'run-1',
    newest: true,
    title: null,
    host: 'here',
    execution: 'RUNNING',
    startedAt: NOW,
    endedAt: null,
    status: { state: 'running', waitingFor: 'the agent', record: [] },
    calls: [],
    pending: [],
    runs: [],
    ...more,
  };
}
