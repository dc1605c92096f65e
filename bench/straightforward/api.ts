/** The client of the managed-agents API that the activities of one worker share. */
import Anthropic from '@anthropic-ai/sdk';

let client: Anthropic | undefined;

export function api(): Anthropic {
  // The activity's retry policy is the only one.
  client ??= new Anthropic({ maxRetries: 0 });
  return client;
}
