/** The straightforward program's listener: it attaches to the stream, lists what it missed, and signals the workflow. */

import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, cancellationSignal, getClient, heartbeat } from '@temporalio/activity';
import { api } from './api.ts';
import { type Event, eventsSignal, type ToolCall } from './messages.ts';

type Wire = Readonly<Record<string, unknown>> & { readonly type: string; readonly id: string };

const BEAT_MS = 2_000;
const RECONNECT_MS = 500;

/**
 * Listens until it is cancelled or the session ends.
 *
 * @param since the stamp of the last event that was told; null: the whole history is read.
 */
export async function listen(sessionId: string, since: string | null): Promise<void> {
  const signal = cancellationSignal();
  // Whether the workflow knows it as idle: a session that runs is told only then, calls tell it by themselves.
  let idle = true;
  let cursor = (activityInfo().heartbeatDetails as string | undefined) ?? since;
  const beat = setInterval(() => heartbeat(cursor), BEAT_MS);
  const workflow = getClient().workflow.getHandle(activityInfo().workflowExecution?.workflowId ?? '');
  const tell = (events: readonly Event[]) => workflow.signal(eventsSignal, events, cursor);
  const { events } = api().beta.sessions;
  heartbeat(cursor);
  try {
    for (;;) {
      try {
        // Attached before it is listed, so that nothing falls between.
        const stream = await events.stream(sessionId, {}, { signal });
        const missed: Wire[] = [];
        const from = cursor === null ? {} : { 'created_at[gte]': cursor };
        for await (const event of events.list(sessionId, { limit: 1_000, ...from }, { signal })) {
          missed.push(event as unknown as Wire);
        }
        const [told, last] = unanswered(missed);
        cursor = last ?? cursor;
        if (told.length > 0) await tell(told);
        idle = told.at(-1)?.kind !== 'running';
        for await (const event of stream) {
          const wire = event as unknown as Wire;
          const meant = meaningOf(wire);
          if (meant === undefined || (meant.kind === 'running' && !idle)) continue;
          idle = meant.kind === 'idle';
          if (typeof wire.processed_at === 'string') cursor = wire.processed_at;
          await tell([meant]);
          if (meant.kind === 'ended') return;
        }
      } catch (error) {
        signal.throwIfAborted();
        console.error(`${sessionId}: the stream broke: ${error}`);
      }
      await sleep(RECONNECT_MS, undefined, { signal });
    }
  } finally {
    clearInterval(beat);
  }
}

/** What of a history is still to be done, and its last stamp. */
function unanswered(history: readonly Wire[]): [Event[], string | undefined] {
  const answered = new Set(history.map(event => event.tool_use_id ?? event.custom_tool_use_id));
  const open = history.flatMap(event => meaningOf(event) ?? []);
  const told = open.filter(event => event.kind !== 'call' || !answered.has(event.call.id));
  const stamps = history.flatMap(({ processed_at: at }) => (typeof at === 'string' ? at : []));
  // Of the session's states only the last one counts.
  const states = told.filter(({ kind }) => kind !== 'call' && kind !== 'interrupt');
  const acts = told.filter(({ kind }) => kind === 'call' || kind === 'interrupt');
  return [[...acts, ...states.slice(-1)], stamps.at(-1)];
}

function meaningOf(event: Wire): Event | undefined {
  switch (event.type) {
    case 'agent.tool_use':
    case 'agent.custom_tool_use': {
      const { id, type, name, input } = event as unknown as ToolCall;
      return { kind: 'call', call: { id, type, name, input } };
    }
    case 'user.interrupt':
      return { kind: 'interrupt', id: event.id };
    case 'session.status_running':
      return { kind: 'running' };
    case 'session.status_idle': {
      const reason = (event.stop_reason as { type?: string } | undefined)?.type;
      return reason === 'requires_action' ? undefined : { kind: 'idle' };
    }
    case 'session.status_terminated':
    case 'session.deleted':
      return { kind: 'ended' };
    default:
      return undefined;
  }
}
