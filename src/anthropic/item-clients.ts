/** Clients of the API by credential: a work item's own sessions token, or else the worker's key (api.md §1.1). */
import type { Anthropic } from '@anthropic-ai/sdk';
import { type ApiOptions, createClient } from './client.ts';

/** The `x-stainless-helper` of a request, as the SDK's own helpers tag theirs. */
export type Helper =
  | 'holdfast'
  | 'environments-work-poller'
  | 'environments-worker'
  | 'environments-worker, holdfast';

/** @param token null: the key that the options hold. */
export type ItemClients = (helper: Helper, token: string | null) => Anthropic;

/** @param limit how many clients are kept; a client is cheap to make again (I11). */
export function createItemClients(options: ApiOptions, limit = 500): ItemClients {
  const clients = new Map<string, Anthropic>();
  return (helper, token) => {
    const key = `${helper} ${token ?? ''}`;
    const client =
      clients.get(key) ??
      createClient({ ...options, helper, ...(token === null ? {} : { environmentKey: token }) });
    clients.delete(key);
    clients.set(key, client);
    for (const oldest of clients.keys()) {
      if (clients.size <= limit) break;
      clients.delete(oldest);
    }
    return client;
  };
}
