/** What the tests of behaviours.md §2.1 share. */
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { SessionHandle } from '../../../src/emulator/handle.ts';
import type { LedgerCall } from '../../../src/emulator/ledger.ts';
import type { NewEvent } from '../../../src/emulator/session.ts';
import { stopUpdate } from '../../../src/workflows/messages.ts';
import type { World } from './world.ts';

/** `tools.ts` and a few more. */
export const ROWS_TOOLS = fileURLToPath(new URL('./rows-tools.ts', import.meta.url));

/** A session that says nothing by itself, with these events in its history; the test plays the model. */
export function quietSession(w: World, history: readonly NewEvent[] = []): SessionHandle {
  const session = w.emulator.createSession({ script: 'manual', history });
  w.sessions.push(session);
  return session;
}

export const idle: NewEvent = { type: 'session.status_idle', stop_reason: { type: 'end_turn' } };

/** The ledger of the one call with this name; fails where there are none or several. */
export function ledgerOf(session: SessionHandle, name: string): LedgerCall {
  const [call, ...more] = session.ledger().calls.filter(each => each.name === name);
  if (call === undefined || more.length > 0) throw new Error(`not one call of ${name}`);
  return call;
}

/** Ends the turn that the agent is in; nothing follows. */
export function endTurn(session: SessionHandle): void {
  // It resolves with the next turn, which does not come.
  void session.agent.idle('end_turn');
}

/** Posts that were tried for the session, by status; null where the connection was cut. */
export function sends(w: World, session: SessionHandle): (number | null)[] {
  return w.emulator
    .requests()
    .filter(request => request.route === 'send' && request.session_id === session.id)
    .map(request => request.status);
}

/** A person's stop, without grace; resolves with the run's end. */
export async function stopNow(w: World, session: SessionHandle): Promise<unknown> {
  const handle = w.client.workflow.getHandle(session.id);
  await handle.executeUpdate(stopUpdate, { args: [{ graceMs: 0, reason: 'the test is over' }] });
  return handle.result();
}

/**
 * Fails where the run of `session` has ended, or has begun to count down, while another session of the same
 * window, begun only now, went idle and ended.
 */
export async function expectNoCountdown(w: World, session: SessionHandle, maxIdleMs: number): Promise<void> {
  const other = w.session([{ say: 'nothing to do' }]);
  expect(await (await w.begin(other.id, { maxIdleMs })).result()).toMatchObject({ reason: 'idle' });
  const run = await w.client.workflow.getHandle(session.id).describe();
  expect(run.status.name).toBe('RUNNING');
  expect((await w.history(session.id)).countdowns).toEqual([]);
}
