/**
 * The environment's work queue on the wire: the only user of its endpoints (api.md §1.2). What the server says
 * comes back as data; what to make of it is decided by who asks.
 */
import { APIError } from '@anthropic-ai/sdk';
import { withDeadline } from './deadline.ts';
import { classify } from './failures.ts';
import type { ItemClients } from './item-clients.ts';

/** What names an item in every request. */
export interface WorkName {
  readonly environmentId: string;
  readonly workId: string;
}

export interface ClaimedWork extends WorkName {
  readonly data: { readonly type: string; readonly id: string };
  /** Only a poll tells it; see `sessionsTokenFromSecret`. */
  readonly secret: string | null;
}

/** Passes by itself; the message is one line and holds no credential. */
interface Transient {
  readonly kind: 'transient';
  readonly reason: string;
  readonly retryAfterMs?: number;
}

/** Will not be otherwise: a 4xx but 408, 409 and 429 (behaviours.md 124). */
interface Refused {
  readonly kind: 'refused';
  readonly status: number;
  readonly reason: string;
}

export type PollAnswer =
  | { readonly kind: 'item'; readonly item: ClaimedWork }
  | { readonly kind: 'none' }
  | Transient
  | Refused;

export type AckAnswer = { readonly kind: 'acked' } | Transient | Refused;

export type HeartbeatAnswer =
  /** `last` is to be echoed, as it is, by the next heartbeat. `ttlMs`: absent where the server named none. */
  | { readonly kind: 'extended'; readonly last: string; readonly ttlMs?: number }
  /** The control plane wants it to end, or the lease was not extended. */
  | { readonly kind: 'stopping'; readonly state: string }
  /** 412: the lease is not where we left it. */
  | { readonly kind: 'lost'; readonly server: ServerLease; readonly reason: string }
  /** 409 and all that passes. */
  | Transient
  | Refused;

/** The server's view of a lease, from a 412's body; empty where it told none. */
export interface ServerLease {
  readonly state?: string;
  readonly lastHeartbeat?: string | null;
  readonly ttlSeconds?: number;
}

export type StopAnswer =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'already-stopped' }
  | Transient
  | Refused;

export interface PollOptions {
  /** Milliseconds for which the server waits for an item, at most 999; null: not at all. */
  readonly blockMs: number | null;
  /** Claims of others that were not acknowledged for so many ms are offered again; null: as the server has it. */
  readonly reclaimOlderThanMs: number | null;
}

export interface WorkQueue {
  /** The API's origin, for messages. */
  readonly address: string;
  /** @throws `signal.reason` once it aborts; so do the others. */
  poll(environmentId: string, options: PollOptions, signal: AbortSignal): Promise<PollAnswer>;
  ack(work: WorkName, signal: AbortSignal): Promise<AckAnswer>;
  /**
   * @param expected `NO_HEARTBEAT`, or what the last one answered.
   * @param token the item's sessions token; null: the environment key.
   * @param limitMs milliseconds after which the whole exchange is cut off.
   */
  heartbeat(
    work: WorkName,
    expected: string,
    token: string | null,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<HeartbeatAnswer>;
  stop(work: WorkName, token: string | null, signal: AbortSignal, force?: boolean): Promise<StopAnswer>;
}

export interface WorkQueueOptions {
  /** Milliseconds for one request with its whole answer (20,000). */
  readonly requestMs?: number;
}

export const NO_HEARTBEAT = 'NO_HEARTBEAT';
/** The API's most for `block_ms`; 0 is refused. */
export const POLL_BLOCK_MS = 999;

/** @param workerId names this worker in the queue's statistics; unique. */
export function createWorkQueue(
  clients: ItemClients,
  workerId: string,
  { requestMs = 20_000 }: WorkQueueOptions = {},
): WorkQueue {
  const poller = clients('environments-work-poller', null);
  const address = new URL(poller.baseURL).origin;
  const asPoller = poller.beta.environments.work;
  const asWorker = (token: string | null) => clients('environments-worker', token).beta.environments.work;

  function failed(error: unknown, signal: AbortSignal): Transient | Refused {
    signal.throwIfAborted();
    const failure = classify(error, { address });
    if (failure.kind === 'transient') return failure;
    const status = failure.kind === 'not-found' ? 404 : failure.status;
    return { kind: 'refused', status, reason: `${address} answered ${status}: ${failure.message}` };
  }

  /** @returns the text of the whole answer: the SDK would hand on unparsed what does not call itself JSON. */
  function exchange(limitMs: number, signal: AbortSignal, send: Send): Promise<string> {
    return withDeadline(limitMs, signal, async inner => (await send({ signal: inner }).asResponse()).text());
  }

  return {
    address,
    async poll(environmentId, { blockMs, reclaimOlderThanMs }, signal) {
      const params = {
        'Anthropic-Worker-ID': workerId,
        ...(blockMs === null ? {} : { block_ms: blockMs }),
        ...(reclaimOlderThanMs === null ? {} : { reclaim_older_than_ms: reclaimOlderThanMs }),
      };
      try {
        const body = await exchange(requestMs, signal, options =>
          asPoller.poll(environmentId, params, options),
        );
        return claimed(JSON.parse(body), environmentId, address);
      } catch (error) {
        return failed(error, signal);
      }
    },
    async ack({ environmentId, workId }, signal) {
      const params = { environment_id: environmentId };
      try {
        // A 2xx is an ack, whatever its body; of a stop too.
        await exchange(requestMs, signal, options => asPoller.ack(workId, params, options));
        return { kind: 'acked' };
      } catch (error) {
        return failed(error, signal);
      }
    },
    async heartbeat({ environmentId, workId }, expected, token, limitMs, signal) {
      const params = { environment_id: environmentId, expected_last_heartbeat: expected };
      try {
        const send: Send = options => asWorker(token).heartbeat(workId, params, options);
        return beaten(JSON.parse(await exchange(limitMs, signal, send)), address);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof APIError) || error.status !== 412) return failed(error, signal);
        const message = String(error.apiMessage ?? error.message).slice(0, 500);
        return {
          kind: 'lost',
          server: serverLease(error.error),
          reason: `${address} answered 412: ${message}`,
        };
      }
    },
    async stop({ environmentId, workId }, token, signal, force = true) {
      const params = { environment_id: environmentId, ...(force ? { force } : {}) };
      try {
        await exchange(requestMs, signal, options => asWorker(token).stop(workId, params, options));
        return { kind: 'stopped' };
      } catch (error) {
        if (error instanceof APIError && error.status === 409) return { kind: 'already-stopped' };
        return failed(error, signal);
      }
    },
  };
}

type Send = (options: { readonly signal: AbortSignal }) => { asResponse(): Promise<Response> };

function claimed(body: unknown, environmentId: string, address: string): PollAnswer {
  if (body === null) return { kind: 'none' };
  const { id, environment_id, data, secret } = (body ?? {}) as Record<string, unknown>;
  const { type, id: dataId } = (data ?? {}) as Record<string, unknown>;
  if (typeof id !== 'string' || id === '' || typeof type !== 'string' || typeof dataId !== 'string')
    return { kind: 'transient', reason: `${address} answered a poll with something that is not a work item` };
  return {
    kind: 'item',
    item: {
      environmentId: typeof environment_id === 'string' ? environment_id : environmentId,
      workId: id,
      data: { type, id: dataId },
      secret: typeof secret === 'string' ? secret : null,
    },
  };
}

function beaten(body: unknown, address: string): HeartbeatAnswer {
  const {
    last_heartbeat: last,
    lease_extended,
    state,
    ttl_seconds,
  } = (body ?? {}) as Record<string, unknown>;
  if (state === 'stopping' || state === 'stopped') return { kind: 'stopping', state };
  if (typeof last !== 'string')
    return { kind: 'transient', reason: `${address} answered a heartbeat without \`last_heartbeat\`` };
  if (lease_extended === false) return { kind: 'stopping', state: 'not extended' };
  const ttl = typeof ttl_seconds === 'number' && ttl_seconds > 0 ? { ttlMs: ttl_seconds * 1000 } : {};
  return { kind: 'extended', last, ...ttl };
}

function serverLease(body: unknown): ServerLease {
  let node = body;
  for (const field of ['error', 'details', 'current_state'])
    node = typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[field] : undefined;
  const { state, last_heartbeat: last, ttl_seconds: ttl } = (node ?? {}) as Record<string, unknown>;
  return {
    ...(typeof state === 'string' ? { state } : {}),
    ...(typeof last === 'string' || last === null ? { lastHeartbeat: last } : {}),
    ...(typeof ttl === 'number' ? { ttlSeconds: ttl } : {}),
  };
}
