import { describe, expect, it } from 'vitest';
import type { WorkItem } from '../../src/workflows/messages.ts';
import { SessionWork } from '../../src/workflows/work-item.ts';

const item = (workId: string, claim = `claim of ${workId}`): WorkItem => ({
  environmentId: 'env_1',
  workId,
  claim,
});

describe('the work item of a run', () => {
  it('is the one that it was started for, also when the same claim is told again', () => {
    const work = new SessionWork(item('work_1'), undefined);
    const { held } = work;
    if (held !== undefined) held.acked = true;
    expect(work.take(item('work_1'))).toBe(held);
    expect(work.replaced).toEqual([]);
  });

  it('begins anew when the queue has offered it again: another ack, another chain of heartbeats', () => {
    const work = new SessionWork(item('work_1'), undefined);
    const before = work.take(item('work_1'));
    before.acked = true;
    const after = work.take(item('work_1', 'another claim'));
    expect(after).not.toBe(before);
    expect(after).toMatchObject({ acked: false, again: true, lease: null });
    expect(work.replaced).toEqual([]);
  });

  it('is replaced by a newer one; the older ones are remembered, ten of them at most (I11)', () => {
    const work = new SessionWork(item('work_0'), undefined);
    for (let n = 1; n <= 12; n++) work.take(item(`work_${n}`));
    expect(work.held?.item.workId).toBe('work_12');
    expect(work.replaced.map(({ workId }) => workId)).toEqual(
      Array.from({ length: 10 }, (_, n) => `work_${n + 2}`),
    );
    work.take(item('work_5', 'once more'));
    expect(work.replaced.map(({ workId }) => workId)).not.toContain('work_5');
  });

  it('travels to the next run as plain data (I2)', () => {
    const work = new SessionWork(item('work_1'), undefined);
    const held = work.take(item('work_2'));
    held.acked = held.ackSent = true;
    held.lease = { last: 'hb-1', ttlMs: 60_000, aliveAt: 1, unclear: false };
    const carried = work.carried();
    const next = new SessionWork(undefined, JSON.parse(JSON.stringify(carried)));
    expect(next.carried()).toEqual(carried);
    expect(next.toKeep?.item.workId).toBe('work_2');
    expect(new SessionWork(undefined, undefined).carried()).toBeUndefined();
  });

  it('is not kept any longer once its lease is over, or the run lets go of it', () => {
    const work = new SessionWork(item('work_1'), undefined);
    if (work.held !== undefined) work.held.letGo = true;
    expect(work.toKeep).toBeUndefined();
    const held = work.take(item('work_2'));
    expect(work.toKeep).toBe(held);
    held.over = { kind: 'lost', reason: '412' };
    expect(work.toKeep).toBeUndefined();
  });
});
