/**
 * Who may use the API (api.md §1.1): an organisation's API key or an environment key. The SDK sends either as
 * `Authorization: Bearer` (1.11: client.ts `apiKeyAuth`), older clients and curl send an API key as `x-api-key`.
 */
import { ApiError } from './api-error.ts';

/** The accepted keys. With neither kind configured any non-empty one is accepted; else only these are. */
export interface Keys {
  readonly apiKeys?: readonly string[] | undefined;
  readonly environmentKeys?: readonly string[] | undefined;
}

export class Credentials {
  #keys: Keys;

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /** Takes effect with the next request: keys can be revoked while sessions run. */
  set(keys: Keys): void {
    this.#keys = keys;
  }

  /** Throws the 401 for a request without a credential that is accepted. */
  check(headers: Headers): void {
    const apiKey = headers.get('x-api-key') ?? '';
    const bearer = /^Bearer +(.+)$/i.exec(headers.get('authorization') ?? '')?.[1] ?? '';
    if (apiKey === '' && bearer === '') {
      throw new ApiError(401, 'missing credentials: send Authorization: Bearer or x-api-key');
    }
    const { apiKeys, environmentKeys } = this.#keys;
    if (apiKeys === undefined && environmentKeys === undefined) return;
    if (apiKeys?.includes(apiKey) || apiKeys?.includes(bearer) || environmentKeys?.includes(bearer)) return;
    throw new ApiError(401, apiKey === '' ? 'invalid bearer token' : 'invalid x-api-key');
  }
}
