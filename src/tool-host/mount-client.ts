/** The client that mounts a session's skills and memory stores: it speaks for one work item. */
import { Anthropic } from '@anthropic-ai/sdk';

export interface MountClientOptions {
  /** The work item's sessions token: the memory endpoints take no other credential (api.md §1.1). */
  readonly token: string;
  readonly baseURL: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Told what the SDK's mounting code warns of; holds ids and paths, never a credential (I9). */
  readonly onWarning: (line: string) => void;
}

/** Unlike `createClient` it retries: no Temporal activity stands behind a sync in the background. */
export function createMountClient({ token, baseURL, headers, onWarning }: MountClientOptions): Anthropic {
  const warn = (message: string, ...rest: unknown[]) => onWarning([message, ...rest.map(asText)].join(' '));
  return new Anthropic({
    apiKey: null,
    authToken: token,
    baseURL,
    webhookKey: null,
    timeout: 20_000,
    logLevel: 'warn',
    logger: { error: warn, warn, info: () => {}, debug: () => {} },
    // As the SDK's worker names itself for them (api.md §1.1).
    defaultHeaders: { ...headers, 'x-stainless-helper': 'environments-worker', 'x-api-key': null },
  });
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
