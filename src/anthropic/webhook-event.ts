/** Deliveries of the API's webhook: verified and read through the SDK. */
import { Anthropic } from '@anthropic-ai/sdk';
import { errorText } from '../error-text.ts';

export type Delivered =
  | { readonly kind: 'event'; readonly id: string; readonly type: string; readonly subject: string }
  /** Not signed by who holds the key, or too long ago (5 minutes, either way). */
  | { readonly kind: 'unverified'; readonly reason: string }
  /** Signed, and yet nothing that can be read. */
  | { readonly kind: 'malformed'; readonly reason: string };

export interface WebhookReader {
  /** @param headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, names in lower case. */
  read(body: string, headers: Readonly<Record<string, string>>): Delivered;
}

/**
 * @param key the signing key, `whsec_…`.
 * @throws RangeError for what is no key; it does not repeat it (I9).
 */
export function createWebhookReader(key: string): WebhookReader {
  // No request is ever made with this client.
  const client = new Anthropic({ apiKey: null, authToken: null, webhookKey: key, logLevel: 'off' });
  const unwrap = (body: string, headers: Readonly<Record<string, string>>) =>
    client.beta.webhooks.unwrap(body, { headers: { ...headers } });
  if (!isUnverified(thrownBy(() => unwrap('{}', {}))))
    throw new RangeError(
      'ANTHROPIC_WEBHOOK_SIGNING_KEY is not a signing key (they look like whsec_… in base64)',
    );
  return {
    read(body, headers) {
      try {
        return eventOf(unwrap(body, headers));
      } catch (error) {
        if (isUnverified(error)) return { kind: 'unverified', reason: errorText(error) };
        return { kind: 'malformed', reason: 'the body is not JSON' };
      }
    },
  };
}

function eventOf(event: unknown): Delivered {
  const { id, data } = (event ?? {}) as { id?: unknown; data?: { id?: unknown; type?: unknown } | null };
  const { id: subject, type } = data ?? {};
  if (typeof type !== 'string') return { kind: 'malformed', reason: 'the event has no data.type' };
  return { kind: 'event', id: text(id), type, subject: text(subject) };
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** The class is not exported by the SDK. */
function isUnverified(error: unknown): boolean {
  return error instanceof Error && error.name === 'WebhookVerificationError';
}
