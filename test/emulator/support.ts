/** What the tests of the emulator share: a started emulator, the real client, a reader of raw frames. */
import Anthropic from '@anthropic-ai/sdk';
import { onTestFinished } from 'vitest';
import type { SessionEvent } from '../../src/emulator/event-log.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/server.ts';

export async function emulatorFor(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator(options);
  onTestFinished(() => emulator.close());
  return emulator;
}

/** The SDK's client without its own retries. */
export function clientOf(emulator: Emulator, apiKey = 'test-key'): Anthropic {
  return new Anthropic({ baseURL: emulator.url, apiKey, maxRetries: 0, logLevel: 'off' });
}

/** A request without the SDK: for what the SDK cannot or would not send. */
export async function request(
  emulator: Emulator,
  path: string,
  init: RequestInit & { json?: unknown } = {},
): Promise<{ status: number; headers: Headers; body: Answer }> {
  const { json, ...rest } = init;
  const response = await fetch(emulator.url + path, {
    headers: { 'x-api-key': 'test-key', 'anthropic-beta': 'managed-agents-2026-04-01' },
    ...rest,
    ...(json !== undefined && { method: rest.method ?? 'POST', body: JSON.stringify(json) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
}

/** Any answer, with the fields that tests look at. */
export interface Answer {
  readonly error?: { readonly type: string; readonly message: string };
  readonly data?: readonly SessionEvent[];
  readonly next_page?: string | null;
  readonly [field: string]: unknown;
}

export function text(value: string): { type: 'text'; text: string }[] {
  return [{ type: 'text', text: value }];
}

export function message(value = 'go'): { type: 'user.message'; content: { type: 'text'; text: string }[] } {
  return { type: 'user.message', content: text(value) };
}

export function toolResult(id: string, value = 'done'): object {
  return { type: 'user.tool_result', tool_use_id: id, is_error: false, content: text(value) };
}

export function customResult(id: string, value = 'done'): object {
  return { type: 'user.custom_tool_result', custom_tool_use_id: id, is_error: false, content: text(value) };
}

/** Posts events without the SDK. */
export function post(emulator: Emulator, sessionId: string, ...events: object[]) {
  return request(emulator, `/v1/sessions/${sessionId}/events`, { json: { events } });
}

export interface Frame {
  readonly event: string | undefined;
  readonly data: SessionEvent;
}

/** Reads a stream's raw frames until it ends. */
export class FrameReader {
  readonly frames: Frame[] = [];
  readonly status: number;
  /** How the connection ended: undefined while it is open. */
  ended: 'clean' | 'broken' | undefined;
  readonly #abort: AbortController;
  readonly #listeners = new Set<() => void>();

  constructor(status: number, abort: AbortController) {
    this.status = status;
    this.#abort = abort;
  }

  /** Resolves once the response head is there. */
  static async open(emulator: Emulator, sessionId: string, query = ''): Promise<FrameReader> {
    const abort = new AbortController();
    const response = await fetch(`${emulator.url}/v1/sessions/${sessionId}/events/stream${query}`, {
      headers: { 'x-api-key': 'test-key' },
      signal: abort.signal,
    });
    const reader = new FrameReader(response.status, abort);
    void reader.#read(response);
    onTestFinished(() => abort.abort());
    return reader;
  }

  types(): string[] {
    return this.frames.map(frame => frame.data.type);
  }

  close(): void {
    this.#abort.abort();
  }

  /** Waits until the condition holds, at most 10 s. */
  async until(reached: (reader: FrameReader) => boolean): Promise<this> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = () => {
      if (reached(this)) resolve();
    };
    const timer = setTimeout(
      () => reject(new Error(`the stream (${this.ended ?? 'open'}) carried only ${this.types().join(', ')}`)),
      10_000,
    );
    this.#listeners.add(check);
    check();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(check);
    }
    return this;
  }

  /** Waits for a frame of this type. */
  async has(type: string): Promise<this> {
    return await this.until(reader => reader.types().includes(type));
  }

  async #read(response: Response): Promise<void> {
    let rest = '';
    try {
      for await (const chunk of response.body ?? []) {
        rest += Buffer.from(chunk).toString();
        const parts = rest.split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) this.#frame(part);
        for (const listener of this.#listeners) listener();
      }
      this.ended = 'clean';
    } catch {
      this.ended = 'broken';
    }
    for (const listener of this.#listeners) listener();
  }

  #frame(part: string): void {
    const lines = part.split('\n');
    const data = lines.find(line => line.startsWith('data: '))?.slice(6);
    if (data === undefined) return;
    const event = lines.find(line => line.startsWith('event: '))?.slice(7);
    this.frames.push({ event, data: JSON.parse(data) as SessionEvent });
  }
}

/** Polls until the value is there, at most 10 s. */
export async function eventually<T>(read: () => T | undefined | false): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const value = read();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`it never came true: ${read.toString()}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
