/** Which tool hosts the sweep must leave alone (§4, Ends). */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';

/**
 * A session whose workflow runs wants its tool host. What cannot be asked counts as wanted: a host too many is
 * a nuisance, a killed one loses work.
 */
export function isWanted(client: Client) {
  return async (sessionId: string): Promise<boolean> => {
    try {
      const { status } = await client.withDeadline(Date.now() + 5_000, () =>
        client.workflow.getHandle(sessionId).describe(),
      );
      return status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW';
    } catch (error) {
      return !(error instanceof WorkflowNotFoundError);
    }
  };
}
