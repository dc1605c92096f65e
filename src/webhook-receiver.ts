/**
 * Receives the API's webhook and starts the workflow of each session that begins to run, in `holdfast webhook` or
 * in a server of your own. It answers 2xx only when the start is durable; whatever may pass by itself is a 503, so
 * that the sender tries again.
 */
import type { Anthropic } from '@anthropic-ai/sdk';
import { createMembership } from './anthropic/membership.ts';
import { createWebhookReader, type WebhookReader } from './anthropic/webhook-event.ts';
import { errorLine } from './error-text.ts';
import { isSessionId } from './session-id.ts';

export interface DeliveryOptions {
  readonly reader: WebhookReader;
  /** Resolves when Temporal has accepted the start, which may be repeated (deliveries are). */
  readonly start: (sessionId: string) => Promise<unknown>;
  /** Whether the session is one that we serve; rejects where that cannot be told now. Absent: all are. */
  readonly serves?: (sessionId: string) => Promise<boolean>;
}

export interface WebhookAnswer {
  readonly status: 200 | 400 | 401 | 503;
  /** For the log and for whoever looks at deliveries in the sender's console. */
  readonly result: string;
}

export interface ReceiverOptions extends Omit<DeliveryOptions, 'reader'> {
  /** The webhook's signing key, `whsec_…`. */
  readonly signingKey: string;
}

/** As `node:http` has them, or a plain object. */
export type DeliveryHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface WebhookReceiver {
  /**
   * @param body as it came, byte for byte: a parsed and printed one has another signature.
   * @param headers names in lower case. Never rejects.
   */
  receive(body: string, headers: DeliveryHeaders): Promise<WebhookAnswer>;
  /** The same for servers that speak `Request` and `Response` (hono, Next.js, Deno). */
  fetch(request: Request): Promise<Response>;
}

/** @throws RangeError for what is no signing key. */
export function createWebhookReceiver({ signingKey, ...options }: ReceiverOptions): WebhookReceiver {
  const delivery = { ...options, reader: createWebhookReader(signingKey) };
  const receive = (body: string, headers: DeliveryHeaders) => receiveDelivery(delivery, body, plain(headers));
  return {
    receive,
    async fetch(request) {
      const { status, result } = await receive(await request.text(), Object.fromEntries(request.headers));
      return Response.json({ result }, { status });
    },
  };
}

/**
 * For `serves`: deliveries are account-wide and do not say which environment a session belongs to, and one that
 * Anthropic's own machines serve must not be served here as well.
 */
export function sessionsOfEnvironment(
  client: Anthropic,
  environmentId: string,
): (sessionId: string) => Promise<boolean> {
  return createMembership(client, environmentId);
}

function plain(headers: DeliveryHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(', ')]],
    ),
  );
}

const STARTS = 'session.status_run_started';

export async function receiveDelivery(
  { reader, start, serves }: DeliveryOptions,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<WebhookAnswer> {
  const delivered = reader.read(body, headers);
  if (delivered.kind === 'unverified') return { status: 401, result: `refused: ${delivered.reason}` };
  if (delivered.kind === 'malformed') return { status: 400, result: `refused: ${delivered.reason}` };
  const { id, type, subject } = delivered;
  const what = `${shown(id)} ${shown(type)} ${shown(subject)}`;
  if (type !== STARTS) return { status: 200, result: `${what}: ignored` };
  if (!isSessionId(subject)) return { status: 400, result: `${what}: refused, that is not a session id` };
  try {
    if (serves !== undefined && !(await serves(subject)))
      return { status: 200, result: `${what}: ignored, it is not of our environment` };
    await start(subject);
    return { status: 200, result: `${what}: started` };
  } catch (error) {
    return { status: 503, result: `${what}: not started, deliver it again: ${errorLine(error)}` };
  }
}

/** Nothing that was sent can break a line of the log. */
function shown(text: string): string {
  return /^[\w.-]{1,200}$/.test(text) ? text : JSON.stringify(text.slice(0, 200));
}
