/**
 * What a failed request to the API means. The split is the SDK's `isFatal4xx` (behaviours.md 124): every 4xx
 * but 408, 409 and 429 is final; all else (5xx, lost connections, timeouts, garbage) passes.
 */
import { AnthropicError, APIConnectionError, APIError } from '@anthropic-ai/sdk';
import { withoutPassword } from '../error-text.ts';
import { BudgetExhausted } from './budget-exhausted.ts';
import { RequestTimeout } from './deadline.ts';

export type Failure =
  | {
      readonly kind: 'transient';
      readonly reason: string;
      readonly retryAfterMs?: number;
      /** Nothing is wrong: we keep to our own request budget. */
      readonly meant?: true;
    }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  | { readonly kind: 'not-found'; readonly message: string }
  | { readonly kind: 'unauthorized'; readonly status: number; readonly message: string };

export interface ClassifyOptions {
  /** Names the API in messages, e.g. `https://api.anthropic.com`. */
  readonly address?: string;
  /** Milliseconds; a longer `retry-after` counts as this (60,000). */
  readonly retryAfterCapMs?: number;
}

const PASSING = new Set([408, 409, 429]);
const MESSAGE_CHARS = 500;

/**
 * @param error whatever a call of the feed threw.
 * @returns messages are one line of at most 500 characters and hold no credential.
 */
export function classify(error: unknown, options: ClassifyOptions = {}): Failure {
  const api = options.address === undefined ? 'the API' : `the API at ${options.address}`;
  if (error instanceof BudgetExhausted) {
    return { kind: 'transient', reason: error.message, retryAfterMs: error.retryAfterMs, meant: true };
  }
  if (error instanceof APIError && typeof error.status === 'number') return byStatus(error, api, options);
  if (error instanceof APIConnectionError) {
    return { kind: 'transient', reason: oneLine(`cannot reach ${api}: ${rootCause(error)}`) };
  }
  if (error instanceof RequestTimeout) return { kind: 'transient', reason: `${api} gave ${error.message}` };
  if (error instanceof SyntaxError) {
    return { kind: 'transient', reason: oneLine(`${api} answered with something that is not JSON`) };
  }
  // The SDK refuses to build a path from it (`..`, an empty id): no request was made, none would succeed.
  if (error instanceof AnthropicError && !(error instanceof APIError)) {
    return { kind: 'refused', status: 400, message: oneLine(error.message) };
  }
  // What the runtime says of it repeats the header's value, which may be a key (I9). No try would go better.
  if (error instanceof TypeError && /header value|header name|ByteString/.test(error.message)) {
    const message = 'a key or a header of ours holds a character that cannot be sent: no request was made';
    return { kind: 'refused', status: 400, message };
  }
  return { kind: 'transient', reason: oneLine(`the exchange with ${api} broke: ${rootCause(error)}`) };
}

function byStatus(error: APIError, api: string, options: ClassifyOptions): Failure {
  const status = error.status ?? 0;
  const message = oneLine(error.apiMessage ?? error.message);
  if (status === 401 || status === 403) return { kind: 'unauthorized', status, message };
  if (status === 404) return { kind: 'not-found', message };
  if (status >= 400 && status < 500 && !PASSING.has(status)) return { kind: 'refused', status, message };
  const wait = retryAfter(error.headers);
  return {
    kind: 'transient',
    reason: oneLine(`${api} answered ${status}: ${message}`),
    ...(wait === undefined ? {} : { retryAfterMs: Math.min(wait, options.retryAfterCapMs ?? 60_000) }),
  };
}

/** `retry-after-ms`, else `retry-after` in seconds or as a date; undefined when absent, past or unreadable. */
export function retryAfter(headers: Headers | undefined): number | undefined {
  const ms = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (ms > 0) return ms;
  const text = headers?.get('retry-after') ?? '';
  const seconds = Number.parseFloat(text);
  const wait = Number.isNaN(seconds) ? Date.parse(text) - Date.now() : seconds * 1000;
  return wait > 0 ? Math.ceil(wait) : undefined;
}

/** `fetch failed` and `terminated` say nothing; the innermost cause has the code. */
function rootCause(error: unknown): string {
  let inner = error;
  for (let depth = 0; depth < 5 && inner instanceof Error && inner.cause instanceof Error; depth++)
    inner = inner.cause;
  if (!(inner instanceof Error)) return String(inner);
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : undefined;
  if (inner instanceof AggregateError && code !== undefined) return code;
  if (code === undefined || inner.message.includes(code)) return inner.message || inner.name;
  return inner.message === '' ? code : `${code} (${inner.message})`;
}

function oneLine(text: string): string {
  const line = withoutPassword(text).replace(/\s+/g, ' ').trim();
  return line.length > MESSAGE_CHARS ? `${line.slice(0, MESSAGE_CHARS - 1)}…` : line;
}
