/** Which tool hosts the sweep must leave alone (§4, Ends). */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';

/** The incarnation that a journal was made in place of, where it was made in place of one. */
export type ReplacedBy = (sessionId: string, incarnation: string) => string | undefined;

/**
 * A session whose workflow runs wants its tool host, unless another host has taken the session over. What cannot
 * be asked counts as wanted: a host too many is a nuisance, a killed one loses work.
 *
 * @param replaced tells what a journal stands in for: one that was made just now is not in the memo yet.
 */
export function isWanted(client: Client, replaced: ReplacedBy = () => undefined) {
  return async (sessionId: string, incarnation: string): Promise<boolean> => {
    try {
      const { status, memo } = await client.withDeadline(Date.now() + 5_000, () =>
        client.workflow.getHandle(sessionId).describe(),
      );
      if (status.name !== 'RUNNING' && status.name !== 'CONTINUED_AS_NEW') return false;
      const meant = memo?.incarnation;
      return meant === undefined || meant === incarnation || meant === replaced(sessionId, incarnation);
    } catch (error) {
      return !(error instanceof WorkflowNotFoundError);
    }
  };
}
