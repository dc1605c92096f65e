/** The spans around what the agent emits, and the usage that is made up from them. */
import type { Session } from './session.ts';

const TOKENS = {
  input_tokens: 80,
  output_tokens: 20,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

/** Encloses the events of one model request. */
export function modelRequest<T>(session: Session, act: () => T): T {
  session.modelRequests++;
  if (!session.settings.spans) return act();
  const start = session.emit({ type: 'span.model_request_start' });
  const result = act();
  session.emit({
    type: 'span.model_request_end',
    model_request_start_id: start.id,
    is_error: false,
    model_usage: TOKENS,
  });
  return result;
}

/** The cumulative usage of a session. */
export function usageOf(session: Session): Record<string, number> {
  return {
    input_tokens: session.modelRequests * TOKENS.input_tokens,
    output_tokens: session.modelRequests * TOKENS.output_tokens,
    cache_read_input_tokens: 0,
  };
}
