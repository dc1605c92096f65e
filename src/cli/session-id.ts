/** The session that a command is about. */
import { createClient } from '../anthropic/client.ts';
import { classify } from '../anthropic/failures.ts';
import { createSessionFeed } from '../anthropic/session-feed.ts';
import type { Config } from '../config.ts';
import { isSessionId } from '../session-id.ts';
import { CliError } from './failure.ts';

/** @throws CliError (2) for what cannot be a session's id. */
export function sessionId(text: string): string {
  if (isSessionId(text)) return text;
  throw new CliError(`${JSON.stringify(text)} is not a session id (they look like sesn_01ABC…)`, 2);
}

/**
 * Asks the API for the session before a workflow is started for it, so that none is left behind.
 *
 * @throws CliError: 2 unknown, malformed or archived; 1 the API refuses the key or cannot be reached.
 */
export async function requireSession(config: Config, id: string): Promise<void> {
  const { apiKey, environmentKey, baseURL } = config.anthropic;
  // A backend without a key may start what its workers, who have one, will look up.
  if (apiKey === undefined && environmentKey === undefined) return;
  const feed = createSessionFeed(createClient(config.anthropic));
  try {
    const session = await feed.retrieve(id);
    if (session.id !== id) throw new CliError(`there is no session ${id} at ${baseURL}`, 2);
    if (session.archived) throw new CliError(`session ${id} is archived: it takes no more events`, 2);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const failure = classify(error, { address: feed.address });
    switch (failure.kind) {
      case 'not-found':
        throw new CliError(`there is no session ${id} at ${baseURL}: ${failure.message}`, 2);
      case 'refused':
        throw new CliError(`the API does not take ${id} for a session's id: ${failure.message}`, 2);
      case 'unauthorized':
        throw new CliError(`the API refuses the key (${failure.status}): ${failure.message}`, 1);
      case 'transient':
        throw new CliError(`cannot reach the API at ${baseURL}: ${failure.reason}`, 1);
      default:
        failure satisfies never;
    }
  }
}
