import { expect, it } from 'vitest';
import { BACKLOG_DEFAULTS, createBacklog } from '../../src/activities/backlog.ts';
import { toSessionEvent } from '../../src/session/events.ts';

const PATIENT = { ...BACKLOG_DEFAULTS, coalesceMs: 60_000, lazyFlushMs: 600_000 };

function event(raw: Record<string, unknown>) {
  const known = toSessionEvent({ id: `sevt_${raw.type}`, processed_at: '2026-01-01T00:00:00Z', ...raw });
  if (known === undefined) throw new Error(`${raw.type} is no event of a session`);
  return known;
}

const use = event({ type: 'agent.tool_use', name: 'bash', input: {}, evaluated_permission: 'allow' });
const idle = event({ type: 'session.status_idle', stop_reason: { type: 'end_turn' } });

it('a call waits for company, and goes at once with the end of its turn', () => {
  const backlog = createBacklog(PATIENT);
  backlog.add(use, false);
  expect(backlog.due(performance.now())).toBeUndefined();
  backlog.add(idle, true);
  expect(backlog.due(performance.now())?.events).toEqual([use, idle]);
});

it('the end of a turn that says nothing new wakes nobody', () => {
  const backlog = createBacklog(PATIENT);
  backlog.add(idle, true);
  expect(backlog.due(performance.now())).toBeUndefined();
});

it('the end of a turn keeps no listener beyond its lease, an interrupt does', () => {
  const backlog = createBacklog(PATIENT);
  backlog.add(idle, true);
  expect(backlog.urgent()).toBe(false);
  backlog.add(event({ type: 'user.interrupt' }), false);
  expect(backlog.urgent()).toBe(true);
});
