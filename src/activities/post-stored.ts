import type { Disposition } from '../anthropic/delivery.ts';
import { type DeliveryParts, deliver } from '../anthropic/post.ts';
import type { PostItem } from '../anthropic/read-back.ts';
import { textBlock } from '../session/answers.ts';
import type { Workspace } from '../workflows/run-input.ts';
import type { Hosts } from './hosts.ts';
import { keepDelivering } from './post-results.ts';

export interface PostStoredInput {
  readonly sessionId: string;
  readonly workspace: Workspace;
  readonly call: Omit<PostItem, 'isError' | 'content'>;
}

export interface PostStoredDeps extends DeliveryParts {
  readonly hosts: Hosts;
  /** Brings the session's tool host back on its journal. */
  readonly reopen: (sessionId: string, incarnation: string, signal: AbortSignal) => Promise<unknown>;
}

/**
 * Posts a result that is too large for the history from the host whose journal holds it (§2.5). One that is
 * gone is answered plainly: the call ran to its end, and what it gave is lost.
 */
export function createPostStored(deps: PostStoredDeps) {
  return async function postStored({ sessionId, workspace, call }: PostStoredInput): Promise<Disposition> {
    const dispositions = await keepDelivering(async (progress, onProgress, signal) => {
      const read = () => deps.hosts.client(sessionId, workspace).outcome(call.id, { full: true, signal });
      let answer = await read();
      if (answer.kind === 'no-host') {
        await deps.reopen(sessionId, workspace.incarnation, signal);
        answer = await read();
      }
      const reply =
        answer.kind === 'outcome' && answer.outcome.kind === 'answered'
          ? { isError: answer.outcome.isError, content: answer.outcome.content }
          : { isError: true, content: [textBlock(LOST)] };
      return deliver(deps, { sessionId, items: [{ ...call, ...reply }], progress, onProgress, signal });
    });
    return dispositions[0] ?? { id: call.id, kind: 'refused', reason: 'nothing was delivered' };
  };
}

const LOST =
  'This call ran to its end, but its output was lost before it could be delivered. ' +
  'What it did stands; it was not run again.';
