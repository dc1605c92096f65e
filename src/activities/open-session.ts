/** Looks a session up before anything is done for it: does it exist, does it live, where did it run last. */
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { classify, type Failure } from '../anthropic/failures.ts';
import type { SessionFeed } from '../anthropic/session-feed.ts';
import { errorText } from '../error-text.ts';
import { apiFailure } from './api-failure.ts';
import { cancellationFailure } from './cancellation.ts';
import type { LastHost } from './last-host.ts';

export interface OpenedSession {
  /** `idle`, `running`, `rescheduling`, `terminated`. */
  readonly status: string;
  readonly title: string | null;
  readonly archived: boolean;
  /** Where the previous run of this workflow id had its workspace; null: not known. */
  readonly lastHost: LastHost | null;
  /** The run that asked. */
  readonly runId?: string | undefined;
}

export interface OpenSessionDeps {
  readonly feed: SessionFeed;
  /** Throws what is worth another attempt: see `createLastHostLookup`. */
  readonly lastHost: (workflowId: string, currentRunId: string) => Promise<LastHost | null>;
}

/** Failures: `ApiUnavailable` · `LastHostUnknown` (both retryable) · `SessionNotFound` · `ApiRefused` (both final) · cancellation. */
export function createOpenSession(
  deps: OpenSessionDeps,
): (input: { readonly sessionId: string }) => Promise<OpenedSession> {
  return async function openSession({ sessionId }) {
    const execution = activityInfo().workflowExecution;
    const signal = cancellationSignal();
    const lookup = deps.lastHost(execution?.workflowId ?? sessionId, execution?.runId ?? '').catch(notKnown);
    try {
      const session = await deps.feed.retrieve(sessionId, signal);
      // An id with a slash or a query in it may lead to another resource, which answers something else.
      if (session.id !== sessionId || typeof session.status !== 'string') {
        throw apiFailure({ kind: 'not-found', message: `there is no session ${JSON.stringify(sessionId)}` });
      }
      const lastHost = await lookup;
      if (lastHost instanceof ApplicationFailure) throw lastHost;
      const { status, title, archived } = session;
      return { status, title, archived, lastHost, runId: execution?.runId };
    } catch (error) {
      if (signal.aborted) throw cancellationFailure(signal.reason);
      if (error instanceof ApplicationFailure) throw error;
      throw apiFailure(malformedIsMissing(classify(error, { address: deps.feed.address })));
    }
  };
}

function notKnown(error: unknown): ApplicationFailure {
  const why = errorText(error);
  return ApplicationFailure.create({
    type: 'LastHostUnknown',
    message: `cannot tell where the session ran last, so its calls wait: ${why}`,
  });
}

/** A retrieve has nothing but the id that the API could refuse. */
function malformedIsMissing(failure: Failure): Failure {
  return failure.kind === 'refused' ? { kind: 'not-found', message: failure.message } : failure;
}
