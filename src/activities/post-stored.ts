import type { Disposition } from '../anthropic/delivery.ts';
import { type DeliveryParts, deliver } from '../anthropic/post.ts';
import type { PostItem } from '../anthropic/read-back.ts';
import { failpoint } from '../failpoint.ts';
import { OUTPUT_LOST } from '../session/notices.ts';
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
  /** Told when the journal need not keep the content any longer. */
  readonly onDelivered: (sessionId: string, callId: string) => Promise<void>;
}

/**
 * Posts a result that is too large for the history from the host whose journal holds it (§2.5). One that is
 * gone is answered plainly: the call ran to its end, and what it gave is lost.
 */
export function createPostStored(deps: PostStoredDeps) {
  return async function postStored({ sessionId, workspace, call }: PostStoredInput): Promise<Disposition> {
    const dispositions = await keepDelivering(async told => {
      const { signal } = told;
      await failpoint('stored.begun', sessionId);
      const read = () => deps.hosts.client(sessionId, workspace).outcome(call.id, { full: true, signal });
      let answer = await read();
      if (answer.kind === 'no-host') {
        await deps.reopen(sessionId, workspace.incarnation, signal);
        answer = await read();
        // What a host that is slow to come back has in its journal is not lost.
        if (answer.kind === 'no-host') throw new Error(`the tool host does not answer: ${answer.reason}`);
      }
      await failpoint('stored.read', sessionId);
      const reply =
        answer.kind === 'outcome' && answer.outcome.kind === 'answered'
          ? { isError: answer.outcome.isError, content: answer.outcome.content }
          : OUTPUT_LOST;
      return deliver(deps, { sessionId, items: [{ ...call, ...reply }], ...told });
    });
    const [disposition] = dispositions;
    if (disposition?.kind === 'posted' || disposition?.kind === 'answered-elsewhere')
      await deps.onDelivered(sessionId, call.id);
    return disposition ?? { id: call.id, kind: 'refused', reason: 'nothing was delivered' };
  };
}
