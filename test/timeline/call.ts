/** A call as queries tell it, for the tests of what is drawn from it. */
import type { CallDetail } from '../../src/workflows/messages.ts';

export const START = Date.parse('2026-01-01T00:00:00Z');

/** The ISO time so many ms after the start. */
export function time(ms: number): string {
  return new Date(START + ms).toISOString();
}

export function detail(more: Partial<CallDetail> = {}): CallDetail {
  return {
    id: 'sevt_1',
    name: 'bash',
    state: 'open',
    isError: false,
    posted: false,
    startedAt: null,
    finishedAt: null,
    attempts: 0,
    type: 'agent.tool_use',
    summary: 'bash: npm test',
    why: 'waits for its turn',
    thread: null,
    confirmation: null,
    place: null,
    ...more,
  };
}
