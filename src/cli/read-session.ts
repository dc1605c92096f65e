/** How the commands read a session: each failure in one line that says what to do. */
import type { Client } from '@temporalio/client';
import { type SessionView, viewSession } from '../client/session-view.ts';
import { errorLine } from '../error-text.ts';
import { PayloadKeyError } from '../payload-codec.ts';
import { CliError } from './failure.ts';

/** @throws CliError: 2 Temporal knows no run of it, 1 nobody answers. */
export async function readSession(client: Client, id: string, known?: SessionView): Promise<SessionView> {
  const view = await viewSession(client, id, known).catch(error => {
    const hint = error instanceof PayloadKeyError ? '' : '; does a worker run? (holdfast worker)';
    throw new CliError(`cannot ask about ${id}: ${errorLine(error)}${hint}`, 1);
  });
  if (view !== undefined) return view;
  throw new CliError(`no run of session ${id} is known; start it with: holdfast start ${id}`, 2);
}
