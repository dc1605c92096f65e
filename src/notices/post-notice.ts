/**
 * Posts a notice, signed as Standard Webhooks has it (https://www.standardwebhooks.com): any of its libraries verifies
 * it. The address may hold credentials, so only its origin is ever named.
 */
import { Webhook } from 'standardwebhooks';
import { errorLine } from '../error-text.ts';
import type { Notice } from '../workflows/notice.ts';
import type { NoticeDelivery } from './delivery.ts';

export interface Receiver {
  readonly url: string;
  /** `whsec_…`; one signature of each. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
}

/** Never rejects, but with `signal.reason` once that aborts. A redirect is not followed: it could lead anywhere. */
export async function postNotice(
  { url, secrets, timeoutMs }: Receiver,
  notice: Notice,
  signal: AbortSignal,
): Promise<NoticeDelivery> {
  const { target, authorization } = addressOf(url);
  const body = JSON.stringify(notice);
  // That of this try: receivers refuse one that is older than five minutes.
  const now = new Date();
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(target, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([signal, late]),
      headers: {
        ...authorization,
        'content-type': 'application/json',
        'user-agent': 'holdfast',
        'webhook-id': notice.id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
        'webhook-signature': secrets.map(secret => new Webhook(secret).sign(notice.id, now, body)).join(' '),
      },
      body,
    });
    // What it says is of no use here, and may be without end.
    await response.body?.cancel().catch(() => undefined);
    return judged(response, target.origin);
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = late.aborted
      ? `${target.origin} did not answer within ${timeoutMs / 1_000} s`
      : `${target.origin} cannot be reached: ${errorLine(cause)}`;
    return { kind: 'failed', reason };
  }
}

/** `fetch` refuses an address with a name and a password in it: they are what Basic authentication sends. */
function addressOf(url: string): { target: URL; authorization: Record<string, string> } {
  const target = new URL(url);
  const { username, password } = target;
  if (username === '' && password === '') return { target, authorization: {} };
  const told = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  target.username = '';
  target.password = '';
  return { target, authorization: { authorization: `Basic ${Buffer.from(told).toString('base64')}` } };
}

function judged({ status, headers }: Response, origin: string): NoticeDelivery {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const redirected =
    status >= 300 && status < 400 ? ': redirects are not followed, give the new address' : '';
  const retryAfterMs = retryAfter(headers.get('retry-after'));
  return {
    kind: 'failed',
    reason: `${origin} answered ${status}${redirected}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** A receiver that names a later time is asked again by then all the same. */
const LONGEST_WAIT_MS = 3_600_000;

function retryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return ms > 0 ? Math.min(ms, LONGEST_WAIT_MS) : undefined;
}
