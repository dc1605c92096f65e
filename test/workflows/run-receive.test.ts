import { beforeEach, describe, expect, it } from 'vitest';
import type { EventBatch } from '../../src/workflows/messages.ts';
import { Run } from '../../src/workflows/run.ts';

let run: Run;
beforeEach(() => {
  run = new Run({ sessionId: 'sesn_1' });
  run.lease = 1;
});

/** Whether the run takes a batch of this listener. */
function hears(listener: Partial<EventBatch>): boolean {
  const before = run.inbox.length;
  const cursor = { at: null };
  run.receive({ epoch: 0, lease: 1, attempt: 1, events: [], listed: true, cursor, ...listener });
  return run.inbox.length > before;
}

describe('a run hears the newest listener', () => {
  it('of its own: by lease, then by attempt', () => {
    const own = { run: 'own', scheduledAt: 10 };
    expect(hears({ ...own, attempt: 2 })).toBe(true);
    expect(hears({ ...own, attempt: 1 })).toBe(false);
    expect(hears({ ...own, attempt: 2 })).toBe(true);
    expect(hears({ ...own, lease: 2 })).toBe(true);
    expect(hears({ ...own, attempt: 9 })).toBe(false);
  });

  it('whatever counts one of the run before had come to: the later scheduled is the newer', () => {
    const before = { run: 'before', lease: 7, attempt: 3, scheduledAt: 10 };
    expect(hears(before)).toBe(true);
    expect(hears({ run: 'own', scheduledAt: 11 })).toBe(true);
    expect(hears(before)).toBe(false);
    expect(hears({ run: 'own', scheduledAt: 11 })).toBe(true);
  });

  it('and not one of an earlier epoch, nor any before it has scheduled one', () => {
    expect(hears({ run: 'own', scheduledAt: 11, epoch: 1 })).toBe(false);
    run.lease = 0;
    expect(hears({ run: 'before', scheduledAt: 11 })).toBe(false);
  });

  it('of a worker of today, over one of a worker that does not tell its run', () => {
    expect(hears({ lease: 3 })).toBe(true);
    expect(hears({ run: 'own', scheduledAt: 11 })).toBe(true);
    expect(hears({ lease: 3 })).toBe(false);
  });
});
