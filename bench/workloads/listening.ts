/** A thousand sessions that are listened to and do nothing: what each of them costs the worker. */
import { setTimeout as sleep } from 'node:timers/promises';
import { measure, memoryNow } from '../meter.ts';
import { figure } from './keys.ts';
import { DURABLE, type Workload } from './workload.ts';

const EACH = 'worker PSS a session, MB';
/** For memory that is only passing. */
const SETTLE_MS = 10_000;
const MB = 1_048_576;

export const listening: Workload = {
  name: 'listening-1000',
  title: '1,000 sessions that are only listened to',
  peers: DURABLE,
  key: figure(EACH, 'MB'),
  sessions: { quick: 5, normal: 1_000, full: 1_000 },
  most: 1,
  warmUps: 0,
  modes: ['normal', 'full'],
  limitMs: 400_000,
  prepare: async stage => {
    const sessions = { quick: 5, normal: 1_000, full: 1_000 }[stage.mode];
    const settle = () => sleep(stage.mode === 'quick' ? 100 : SETTLE_MS, undefined, { signal: stage.signal });
    return () =>
      measure(stage, [], async () => {
        await stage.players(1);
        await settle();
        const base = (await memoryNow(stage)).worker.pss;
        const began = performance.now();
        await stage.players(sessions - 1);
        const took = performance.now() - began;
        await settle();
        const { pss } = (await memoryNow(stage)).worker;
        const figures = {
          [EACH]: (pss - base) / (sessions - 1) / MB,
          'worker PSS with one session, MB': base / MB,
          'until all are listened to, s': took / 1_000,
        };
        return { times: [], calls: 0, figures };
      });
  },
};
