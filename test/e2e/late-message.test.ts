/** A message that comes at any moment of a session's end keeps it going: its call runs once (I8, design §6). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textsOf } from './support/answers.ts';
import { type CrashWorld, crashWorld } from './support/crash.ts';

let made: CrashWorld | undefined;
beforeAll(async () => {
  made = await crashWorld(import.meta.url);
  await made.w.worker();
});
afterAll(() => made?.w.end());

describe.concurrent('a message that comes at', () => {
  it.each(['idle.fired', 'tail.unread', 'tail.read', 'close.begun', 'close.ended', 'close.done'] as const)(
    '%s is heard by the run that was about to end',
    async point => {
      if (made === undefined) throw new Error('the world is made before the first test');
      const { w, points } = made;
      const session = w.session(async agent => {
        await agent.call('effect', { label: `${point}.a`, ms: 1 });
        points.arm(point, session.id);
        await agent.idle();
        await agent.call('effect', { label: `${point}.b`, ms: 1 });
      });
      const handle = await w.begin(session.id);
      await points.held(point, session.id);
      session.sendMessage('again');
      await w.begin(session.id);
      points.release(point, session.id);
      expect((await handle.result()).calls).toMatchObject([{ posted: true }, { posted: true }]);
      expect(textsOf(session)).toEqual([`did ${point}.a`, `did ${point}.b`]);
      expect(w.effects().filter(line => line === `begin ${point}.b`)).toHaveLength(1);
    },
  );
});
