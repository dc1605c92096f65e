/** Which sessions belong to an environment: asked of the API, one by one. */
import type { Anthropic } from '@anthropic-ai/sdk';
import { classify } from './failures.ts';
import { createSessionFeed } from './session-feed.ts';

/** The answer rejects where the API cannot tell now. */
export function createMembership(
  client: Anthropic,
  environmentId: string,
): (sessionId: string) => Promise<boolean> {
  const feed = createSessionFeed(client);
  return async id => {
    try {
      const session = await feed.retrieve(id);
      return session.id === id && session.environmentId === environmentId;
    } catch (error) {
      const failure = classify(error, { address: feed.address });
      if (failure.kind === 'not-found') return false;
      throw new Error(failure.kind === 'transient' ? failure.reason : failure.message);
    }
  };
}
