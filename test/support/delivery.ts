/** Deliveries of the API's webhook, signed as its sender does (standardwebhooks.com), written independently. */
import { createHmac, randomUUID } from 'node:crypto';

export const SIGNING_KEY = `whsec_${Buffer.from('a key of these tests, 32 bytes!!').toString('base64')}`;

export interface DeliveryOptions {
  readonly key?: string;
  /** Seconds that its stamp lies in the past. */
  readonly age?: number;
  /** What is signed, where it is not what is sent. */
  readonly signed?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function eventBody(type: string, subject: string): string {
  const data = { type, id: subject, organization_id: 'org_1', workspace_id: 'wrkspc_1' };
  return JSON.stringify({ type: 'event', id: 'wevt_1', created_at: new Date().toISOString(), data });
}

export function signedHeaders(
  body: string,
  { key = SIGNING_KEY, age = 0, signed = body }: DeliveryOptions = {},
): Record<string, string> {
  const id = `msg_${randomUUID()}`;
  const stamp = String(Math.floor(Date.now() / 1000) - age);
  const secret = Buffer.from(key.replace('whsec_', ''), 'base64');
  const signature = createHmac('sha256', secret).update(`${id}.${stamp}.${signed}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': stamp, 'webhook-signature': `v1,${signature}` };
}

/** Posts it; the status and the JSON of the answer. */
export async function deliver(
  url: string,
  body: string,
  options: DeliveryOptions = {},
): Promise<{ status: number; result: string }> {
  const headers = { 'content-type': 'application/json', ...signedHeaders(body, options), ...options.headers };
  const response = await fetch(url, { method: 'POST', headers, body });
  const answer = (await response.json()) as { result?: string };
  return { status: response.status, result: answer.result ?? '' };
}
