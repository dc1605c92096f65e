/** Which call is meant by what somebody types. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { askOnce } from '../client/asking.ts';
import { errorLine } from '../error-text.ts';
import { type CallDetail, callsQuery } from '../workflows/messages.ts';
import { CliError } from './failure.ts';

export function callsOf(client: Client, id: string): Promise<readonly CallDetail[]> {
  return askOnce(client, () => client.workflow.getHandle(id).query(callsQuery));
}

/**
 * The one call that is meant. A call that the run has forgotten, or that no worker tells of, may be in the journal
 * all the same: then its whole id is needed.
 */
export async function callOf(client: Client, id: string, wanted: string): Promise<string> {
  const calls = await callsOf(client, id).catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) return [];
    process.stderr.write(
      `no worker tells the calls of ${id} (${errorLine(error)}): CALL is taken as it is\n`,
    );
    return [];
  });
  return resolveCall(
    calls.map(call => call.id),
    wanted,
  );
}

/** @returns `wanted` itself where it is the beginning or the end of none. @throws CliError 2 where several fit. */
export function resolveCall(ids: readonly string[], wanted: string): string {
  if (ids.includes(wanted)) return wanted;
  const found = ids.filter(id => id.startsWith(wanted) || id.endsWith(wanted));
  if (found.length > 1) {
    const some = found.slice(0, 5).join(', ');
    throw new CliError(
      `${found.length} calls fit ${JSON.stringify(wanted)}: ${some}; write more of the id`,
      2,
    );
  }
  return found[0] ?? wanted;
}
