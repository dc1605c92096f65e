/**
 * Who may use the API, and for what (api.md §1.1): an organisation's API key, an environment key, or the
 * sessions token of one work item. The SDK sends all of them as `Authorization: Bearer` (1.11: client.ts
 * `apiKeyAuth`), older clients and curl send an API key as `x-api-key`.
 */
import { ApiError } from './api-error.ts';
import type { Environment, Environments, TokenHolder } from './environments.ts';
import type { Route } from './faults.ts';

/**
 * The accepted keys. With neither kind configured any non-empty one is accepted as an API key, and as an
 * environment key too where no environment is declared; else only these and the keys of environments are.
 */
export interface Keys {
  readonly apiKeys?: readonly string[] | undefined;
  /** Good for every environment. */
  readonly environmentKeys?: readonly string[] | undefined;
}

/** The one who asks. `any` may be of every kind: nothing was configured. */
export type Caller =
  | { readonly kind: 'api' | 'any' }
  | { readonly kind: 'environment'; readonly environment: Environment | undefined }
  | { readonly kind: 'session'; readonly holder: TokenHolder };

/** What a request is about. */
export interface Target {
  readonly environmentId: string | undefined;
  readonly workId: string | undefined;
  readonly sessionId: string | undefined;
  /** Of that session, where it exists. */
  readonly sessionEnvironmentId: string | undefined;
}

type Kind = Exclude<Caller['kind'], 'any'>;
const API: readonly Kind[] = ['api'];
const SERVING: readonly Kind[] = ['api', 'environment', 'session'];

const ACCEPTED: Readonly<Record<Route, readonly Kind[]>> = {
  create: API,
  update: API,
  archive: API,
  delete: API,
  retrieve: SERVING,
  list: SERVING,
  send: SERVING,
  stream: SERVING,
  threads: SERVING,
  work_poll: ['environment'],
  work_ack: ['environment', 'session'],
  work_heartbeat: ['environment', 'session'],
  work_stop: SERVING,
  work_list: ['environment'],
  work_stats: ['api', 'environment'],
  work_get: API,
  work_update: API,
  skill: SERVING,
  skill_content: SERVING,
  memory_list: ['api', 'session'],
  memory_get: ['api', 'session'],
  memory_create: ['api', 'session'],
  memory_update: ['api', 'session'],
  memory_delete: ['api', 'session'],
};

export class Credentials {
  readonly #environments: Environments;
  #keys: Keys;

  constructor(keys: Keys, environments: Environments) {
    this.#keys = keys;
    this.#environments = environments;
  }

  /** Takes effect with the next request: keys can be revoked while sessions run. */
  set(keys: Keys): void {
    this.#keys = keys;
  }

  /** Throws the 401 for a request without a credential that is accepted. */
  identify(headers: Headers): Caller {
    const apiKey = headers.get('x-api-key') ?? '';
    const bearer = /^Bearer +(.+)$/i.exec(headers.get('authorization') ?? '')?.[1] ?? '';
    if (apiKey === '' && bearer === '') {
      throw new ApiError(401, 'missing credentials: send Authorization: Bearer or x-api-key');
    }
    const { apiKeys, environmentKeys } = this.#keys;
    if (apiKeys?.includes(apiKey) || apiKeys?.includes(bearer)) return { kind: 'api' };
    if (environmentKeys?.includes(bearer)) return { kind: 'environment', environment: undefined };
    const environment = this.#environments.byKey(bearer);
    if (environment !== undefined) return { kind: 'environment', environment };
    const holder = this.#environments.byToken(bearer);
    if (holder !== undefined) return { kind: 'session', holder };
    if (apiKeys === undefined && environmentKeys === undefined) {
      if (this.#environments.all().length === 0) return { kind: 'any' };
      if (!this.#environments.wasKey(bearer) && !/^sk-ant-(req|oat01)-/.test(bearer)) return { kind: 'api' };
    }
    throw new ApiError(401, apiKey === '' ? 'invalid bearer token' : 'invalid x-api-key');
  }
}

/** Throws the 403 of a credential that is good, but not for this. */
export function permit(caller: Caller, route: Route, target: Target): void {
  if (caller.kind === 'any') return;
  if (!ACCEPTED[route].includes(caller.kind)) {
    const kind = { api: 'an API key', environment: 'an environment key', session: 'a sessions token' }[
      caller.kind
    ];
    throw new ApiError(403, `${kind} is not accepted on this endpoint`);
  }
  if (caller.kind === 'environment') {
    const asked = target.environmentId ?? target.sessionEnvironmentId;
    if (caller.environment === undefined || asked === undefined || asked === caller.environment.id) return;
    throw new ApiError(403, `the environment key is not one of environment ${asked}`);
  }
  if (caller.kind === 'session') {
    const { item } = caller.holder;
    const foreign =
      (target.workId !== undefined && target.workId !== item.id) ||
      (target.sessionId !== undefined && target.sessionId !== item.data.id);
    if (foreign) throw new ApiError(403, 'the sessions token was issued for another work item');
  }
}
