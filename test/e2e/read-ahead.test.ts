/** Questions about a session while its worker is being replaced. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { answerApproval } from '../../src/client.ts';
import { answersOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { world } from './support/world.ts';

const SESSIONS = 10;

it('a session that was asked about while its worker was new goes on with every later worker', async context => {
  const w = await world(context);
  const first = await w.worker();
  const sessions = Array.from({ length: SESSIONS }, (_, n) =>
    w.session([{ ask: 'bash', input: { command: `echo ${n}` } }]),
  );
  for (const { id } of sessions) await w.begin(id);
  const heldCall = (id: string) => async () =>
    (await w.calls(id).catch(() => [])).find(call => call.state === 'held')?.id;
  const calls = new Map<string, string>();
  for (const { id } of sessions) calls.set(id, await eventually(`${id} holds its call`, heldCall(id)));
  await first.end('SIGKILL');
  const second = await w.worker();
  await Promise.all(
    sessions.map(async ({ id }, n) => {
      const asked = w.status(id);
      // The question finds its worker about now, the signal comes before the question or after it.
      await sleep(n * 80);
      await w.client.workflow.getHandle(id).signal('wake', { approvalDeadlineMs: 600_000 });
      await asked;
      const taken = await answerApproval(w.client, id, { callId: calls.get(id) ?? '', result: 'allow' });
      expect(taken).toEqual({ kind: 'accepted' });
    }),
  );
  await second.end('SIGKILL');
  await w.worker();
  for (const session of sessions) {
    const { calls: ended } = await w.client.workflow.getHandle(session.id).result();
    expect(ended).toMatchObject([{ state: 'settled', posted: true, attempts: 1 }]);
    expect(answersOf(session)).toMatchObject([{ posts: 1 }]);
  }
});
