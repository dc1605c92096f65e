/**
 * Which credential the API calls of an activity use. An activity whose input has a sealed `credential` (the sessions
 * token of its session's work item) uses that one; every other uses the worker's own key (design §7).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { SessionFeed } from '../anthropic/session-feed.ts';
import { errorText } from '../error-text.ts';

/** What an activity's input tells of its credential. */
export interface Credentialed {
  readonly sessionId: string;
  /** Sealed for `sessionId`; never in clear in a history (I9). */
  readonly credential?: string;
}

const current = new AsyncLocalStorage<string>();

/** The sessions token of the activity that asks; null: it has none, so the worker's own key counts. */
export function sessionToken(): string | null {
  return current.getStore() ?? null;
}

/** @param open opens what was sealed for a session; see `Sealing.open`. */
export function credentialInterceptor(
  open: (sealed: string, sessionId: string) => string,
): ActivityInterceptorsFactory {
  return () => ({
    inbound: {
      execute(input, next) {
        const { sessionId, credential } = (input.args[0] ?? {}) as Partial<Credentialed>;
        if (typeof credential !== 'string' || typeof sessionId !== 'string') return next(input);
        return current.run(opened(open, credential, sessionId), () => next(input));
      },
    },
  });
}

function opened(open: (sealed: string, id: string) => string, sealed: string, sessionId: string): string {
  try {
    return open(sealed, sessionId);
  } catch (error) {
    // Retryable: another worker may have the right key.
    throw ApplicationFailure.create({
      type: 'CredentialSealed',
      message: `the credential of ${sessionId} cannot be opened: ${errorText(error)}`,
    });
  }
}

/** @param feedOf the feed that uses this token, or the worker's own key for null. */
export function createCredentialedFeed(feedOf: (token: string | null) => SessionFeed): SessionFeed {
  const feed = () => feedOf(sessionToken());
  return {
    address: feedOf(null).address,
    openStream: (sessionId, options) => feed().openStream(sessionId, options),
    listPages: (sessionId, query) => feed().listPages(sessionId, query),
    send: (sessionId, events, signal) => feed().send(sessionId, events, signal),
    retrieve: (sessionId, signal) => feed().retrieve(sessionId, signal),
  };
}
