/** The SDK's own runner against the emulator: the control for the rows that can be seen from outside. */
import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import type { DispatchedToolCall } from '@anthropic-ai/sdk/lib/tools/SessionToolRunner';
import { onTestFinished } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { startEmulator } from '../../src/emulator/server.ts';
import type { NewEvent } from '../../src/emulator/session.ts';

export interface Control {
  readonly session: SessionHandle;
  /** Keys of the calls that ran, as they began. */
  readonly began: string[];
  readonly done: string[];
  readonly calls: DispatchedToolCall[];
  /** Resolves when its stream is open and its history was asked for. */
  attached(): Promise<void>;
  ended(): boolean;
  /** Resolves with the runner's end; the error it ended with is no failure. */
  readonly end: Promise<void>;
  /** Requests of one route so far. */
  requests(route: string): number;
}

export interface ControlOptions {
  readonly history?: readonly NewEvent[];
  readonly maxIdleMs?: number;
  /** Before the runner is started. */
  readonly before?: (session: SessionHandle) => void;
  readonly signal?: AbortSignal;
}

/** Starts a runner that serves the tools `lookup {key, ms?}` and `fail`; it ends with its test. */
export async function control(options: ControlOptions = {}): Promise<Control> {
  const emulator = await startEmulator();
  const session = emulator.createSession({ script: 'manual', history: options.history ?? [] });
  options.before?.(session);
  const began: string[] = [];
  const done: string[] = [];
  const calls: DispatchedToolCall[] = [];
  const client = new Anthropic({ baseURL: emulator.url, apiKey: 'key', maxRetries: 0, logLevel: 'off' });
  const stop = new AbortController();
  const runner = client.beta.sessions.events.toolRunner(session.id, {
    tools: tools(began, done),
    maxIdleMs: options.maxIdleMs ?? 60,
    signal: options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]),
  });
  let ended = false;
  const end = (async () => {
    try {
      for await (const call of runner) calls.push(call);
    } catch {
      // A fatal 4xx: that it ended is what counts.
    } finally {
      ended = true;
    }
  })();
  onTestFinished(async () => {
    stop.abort();
    await Promise.race([end, sleep(5_000)]);
    await emulator.close();
  });
  const requests = (route: string) => emulator.requests().filter(request => request.route === route).length;
  return {
    ...{ session, began, done, calls, end, requests },
    ended: () => ended,
    attached: () => until(() => session.info().streams > 0 && requests('list') > 0),
  };
}

function tools(began: string[], done: string[]) {
  const lookup = betaTool({
    name: 'lookup',
    description: 'looks something up',
    inputSchema: {
      type: 'object',
      properties: { key: { type: 'string' }, ms: { type: 'integer' } },
      required: ['key'],
    },
    run: async ({ key, ms = 0 }) => {
      began.push(key);
      await sleep(ms);
      done.push(key);
      return `value of ${key}`;
    },
  });
  const fail = betaTool({
    name: 'fail',
    description: 'throws',
    inputSchema: { type: 'object' },
    run: (): string => {
      throw new Error('it broke');
    },
  });
  return [lookup, fail];
}

/** Polls until it is so; fails after 15 s. */
export async function until(read: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!read()) {
    if (Date.now() > deadline) throw new Error(`it never came true: ${read}`);
    await sleep(5);
  }
}
