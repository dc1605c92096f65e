/** The one client of the managed-agents API that all sessions of a worker share. */
import { Anthropic } from '@anthropic-ai/sdk';

export interface ApiOptions {
  /** Organisation API key; used when there is no environment key. */
  readonly apiKey?: string | undefined;
  /** Environment key: sent as Bearer, and then no API key travels with it (behaviours.md 67, 68). */
  readonly environmentKey?: string | undefined;
  /** Default: the SDK's own (`https://api.anthropic.com`). */
  readonly baseURL?: string | undefined;
  /** Sent with every request: stream, list, send and retrieve (behaviours.md 39). */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds until the head of an answer must be there (20,000). */
  readonly timeoutMs?: number | undefined;
  /** `x-stainless-helper` of every request (`holdfast`). */
  readonly helper?: string | undefined;
}

/**
 * `maxRetries` is 0 because Temporal owns the retries. Credentials are passed explicitly (null for none), so
 * that the SDK reads none from the environment or from a profile on disk; `ANTHROPIC_CUSTOM_HEADERS` it adds
 * by itself. Its log is off: at level `debug` it would print whole requests (I9).
 *
 * @throws TypeError when neither key is given.
 */
export function createClient(options: ApiOptions): Anthropic {
  const { environmentKey, apiKey } = options;
  if (!environmentKey && !apiKey) {
    throw new TypeError(
      'no credential for the managed-agents API: set ANTHROPIC_API_KEY or ANTHROPIC_ENVIRONMENT_KEY',
    );
  }
  return new Anthropic({
    apiKey: environmentKey ? null : (apiKey ?? null),
    authToken: environmentKey || null,
    baseURL: options.baseURL || null,
    webhookKey: null,
    maxRetries: 0,
    timeout: options.timeoutMs ?? 20_000,
    logLevel: 'off',
    defaultHeaders: {
      ...options.headers,
      'x-stainless-helper': options.helper ?? 'holdfast',
      // A hand-set credential header must neither replace the environment key nor travel beside it.
      ...(environmentKey ? { 'x-api-key': null, authorization: `Bearer ${environmentKey}` } : {}),
    },
  });
}
