/** After the last strike: every session comes to its end, or is named with what it waits for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { summaryOfRun } from '../../client.ts';
import type { SessionHandle } from '../../emulator/handle.ts';
import { callsQuery, statusQuery } from '../../workflows/messages.ts';

const POLL_MS = 500;
const REQUEST_MS = 5_000;
/** Open calls that are named for a session that is stuck. */
const NAMED = 3;

export interface Drained {
  /** One line for each session that did not end, or did not end well. */
  readonly stuck: readonly string[];
}

/**
 * Waits until no session has anything left to do.
 *
 * @param client undefined for a runner without workflows: then the agent's end is the end.
 * @param left told how many are not over yet.
 */
export async function drain(
  sessions: readonly SessionHandle[],
  client: Client | undefined,
  options: { readonly limitMs: number; readonly signal: AbortSignal; readonly left: (count: number) => void },
): Promise<Drained> {
  const { limitMs, signal, left } = options;
  const deadline = performance.now() + limitMs;
  const open = new Set(sessions);
  const stuck: string[] = [];
  while (open.size > 0 && performance.now() < deadline) {
    signal.throwIfAborted();
    for (const session of open) {
      const end = await endOf(session, client);
      if (end.kind === 'open') continue;
      open.delete(session);
      if (end.kind === 'badly') stuck.push(`session ${session.id} ended badly: ${end.reason}`);
    }
    left(open.size);
    if (open.size > 0) await sleep(POLL_MS, undefined, { signal });
  }
  for (const session of open) stuck.push(`session ${session.id} ${await waitsFor(session, client)}`);
  return { stuck };
}

type End = { readonly kind: 'open' | 'well' } | { readonly kind: 'badly'; readonly reason: string };

async function endOf(session: SessionHandle, client: Client | undefined): Promise<End> {
  const { script, failures } = session.info();
  if (failures.length > 0) return { kind: 'badly', reason: failures.join('; ') };
  if (client === undefined) return { kind: script === 'done' ? 'well' : 'open' };
  const soon = <T>(request: () => Promise<T>) => client.withDeadline(Date.now() + REQUEST_MS, request);
  try {
    const { status } = await soon(() => client.workflow.getHandle(session.id).describe());
    if (status.name === 'RUNNING') return { kind: 'open' };
    const summary = await soon(() => summaryOfRun(client.workflow.getHandle(session.id)));
    if (summary.state !== 'done') return { kind: 'badly', reason: `${summary.state}: ${summary.reason}` };
    // Its agent may be waiting for a message that starts it again.
    return { kind: script === 'done' ? 'well' : 'open' };
  } catch {
    // The server is busy or away: asked again.
    return { kind: 'open' };
  }
}

async function waitsFor(session: SessionHandle, client: Client | undefined): Promise<string> {
  const { open_calls, script } = session.info();
  const agent = `its agent is ${script}, ${open_calls.length} calls without a result`;
  if (client === undefined) return agent;
  const handle = client.workflow.getHandle(session.id);
  try {
    return await client.withDeadline(Date.now() + REQUEST_MS, async () => {
      const { state, waitingFor } = await handle.query(statusQuery);
      const unsettled = (await handle.query(callsQuery)).filter(call => call.state !== 'settled');
      const named = unsettled
        .slice(0, NAMED)
        .map(call => `${call.id} ${call.summary} (${call.state}: ${call.why})`);
      return `is ${state}, waits for ${waitingFor}; ${agent}; ${unsettled.length} unsettled: ${named.join(', ')}`;
    });
  } catch (error) {
    return `does not answer (${(error as Error).message}); ${agent}`;
  }
}
