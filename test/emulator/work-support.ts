/** What the tests of the work queue share: requests of a worker, raw and with the credentials of each kind. */
import type { EnvironmentHandle } from '../../src/emulator/environment-handle.ts';
import type { EnvironmentOptions } from '../../src/emulator/environments.ts';
import type { Emulator, EmulatorOptions } from '../../src/emulator/server.ts';
import { type Answer, emulatorFor, request } from './support.ts';

export const API_KEY = 'test-key';

/** A clock that only `advanceClock` moves. */
export const FROZEN = { now: () => Date.UTC(2027, 0, 1) };

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Answer;
}

/** A worker that speaks raw HTTP, with the key of its environment unless another credential is given. */
export class RawWorker {
  readonly emulator: Emulator;
  readonly environment: EnvironmentHandle;
  readonly workerId: string;

  constructor(emulator: Emulator, environment: EnvironmentHandle, workerId: string) {
    this.emulator = emulator;
    this.environment = environment;
    this.workerId = workerId;
  }

  call(method: string, path: string, options: { bearer?: string; apiKey?: string; json?: unknown } = {}) {
    const { bearer = this.environment.key, apiKey, json } = options;
    return request(this.emulator, path, {
      method,
      headers: {
        'anthropic-beta': 'managed-agents-2026-04-01',
        'anthropic-worker-id': this.workerId,
        ...(apiKey === undefined ? { authorization: `Bearer ${bearer}` } : { 'x-api-key': apiKey }),
      },
      ...(json !== undefined && { json }),
    });
  }

  path(rest: string): string {
    return `/v1/environments/${this.environment.id}/work${rest}`;
  }

  poll(query = '', bearer?: string): Promise<Answered> {
    return this.call('GET', this.path(`/poll${query}`), bearer === undefined ? {} : { bearer });
  }

  /** Polls until it gets an item. */
  async claim(query = '?block_ms=999'): Promise<Answer & { id: string; secret: string }> {
    const { body } = await this.poll(query);
    if (body === null) throw new Error('the queue is empty');
    return body as Answer & { id: string; secret: string };
  }

  ack(id: string, bearer?: string): Promise<Answered> {
    return this.call('POST', this.path(`/${id}/ack`), bearer === undefined ? {} : { bearer });
  }

  beat(id: string, expected?: string, more = '', bearer?: string): Promise<Answered> {
    const query = expected === undefined ? '' : `expected_last_heartbeat=${encodeURIComponent(expected)}`;
    const path = this.path(`/${id}/heartbeat?${query}${more}`);
    return this.call('POST', path, bearer === undefined ? {} : { bearer });
  }

  stop(id: string, json: object = {}, bearer?: string): Promise<Answered> {
    return this.call('POST', this.path(`/${id}/stop`), { json, ...(bearer !== undefined && { bearer }) });
  }

  /** Claims, acknowledges and beats once; returns the id and the beat's value. */
  async hold(): Promise<{ id: string; last: string; token: string }> {
    const { id, secret } = await this.claim();
    await this.ack(id);
    const { body } = await this.beat(id, 'NO_HEARTBEAT');
    return { id, last: String(body.last_heartbeat), token: tokenOf(secret) };
  }
}

export function tokenOf(secret: string): string {
  return (JSON.parse(Buffer.from(secret, 'base64url').toString()) as { sessions_token: string })
    .sessions_token;
}

/** An emulator with one environment and a worker on it. */
export async function queueFor(
  environment: EnvironmentOptions = {},
  options: EmulatorOptions = {},
): Promise<{ emulator: Emulator; environment: EnvironmentHandle; worker: RawWorker }> {
  const emulator = await emulatorFor(options);
  const made = emulator.createEnvironment(environment);
  return { emulator, environment: made, worker: new RawWorker(emulator, made, 'worker-1') };
}

/** What was done to an item, in order, refusals as `act:status`. */
export function acts(environment: EnvironmentHandle, id: string): string[] {
  return environment
    .item(id)
    .history.map(({ act, refused }) => (refused === undefined ? act : `${act}:${refused}`));
}
