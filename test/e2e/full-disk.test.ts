/** A disk that is full: what needs it waits until there is room, what does not goes on, and nothing runs twice (I4, I5). */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { smallDisk } from './support/small-disk.ts';
import { world } from './support/world.ts';

describe('a state folder without room', () => {
  it('keeps outcomes and starts waiting, but no posts and no listening; all goes on when there is room', async context => {
    const disk = smallDisk(context, 8);
    const w = await world(context, { env: { HOLDFAST_STATE_DIR: disk.folder } });
    const worker = await w.worker();
    // One whose result is durable and waits to be posted.
    // (The other keeps its host, whose end would make room.)
    const posting = w.session(agent =>
      agent.calls([
        { name: 'effect', input: { label: 'posting', ms: 1 } },
        { name: 'meet', input: { label: 'holding', others: ['freed'] } },
      ]),
    );
    posting.setFaults({ fail: [{ route: 'send', status: 503, times: 1_000 }] });
    // One whose tools run while the disk is full, and write what there is no room for; others follow.
    const running = w.session(async agent => {
      await agent.calls([
        { name: 'meet', input: { label: 'running', others: ['full'] } },
        {
          name: 'bash',
          input: {
            command:
              'echo "begin bash 0000000000000" >> "$EFFECTS"; until grep -q "begin full" "$EFFECTS"; do sleep 0.1; done; head -c 100000 /dev/zero > big || echo no room',
          },
        },
      ]);
      await agent.call('effect', { label: 'after', ms: 1 });
    });
    // One that has no workspace yet when it calls.
    const fresh = w.session(async agent => {
      await agent.say('thinking');
      await eventually('the disk is full', () => w.effects().includes('begin full'));
      await agent.call('effect', { label: 'fresh', ms: 1 });
    });
    const handles = await Promise.all(
      [posting, running, fresh].map(({ id }) => w.begin(id, { maxIdleMs: 1_000 })),
    );
    await eventually('its result waits', async () => {
      const [call] = await w.calls(posting.id).catch(() => []);
      return call?.state === 'finished';
    });
    await Promise.all(['holding', 'running', 'bash'].map(label => w.effect(`begin ${label}`)));
    await disk.fill();
    w.note('begin full');

    // What needs no disk goes on: the result that waited is posted, events are heard.
    posting.clearFaults();
    await eventually('it is posted', () => answersOf(posting)[0]?.posts === 1);
    await eventually(
      'the new call is known',
      async () => (await w.calls(fresh.id).catch(() => [])).length === 1,
    );
    // What needs it waits, for several attempts.
    await sleep(4_000);
    expect(answersOf(running).map(({ posts }) => posts)).toEqual([0, 0]);
    expect(answersOf(fresh).map(({ posts }) => posts)).toEqual([0]);
    expect(w.effects('begin fresh')).toEqual([]);

    disk.free();
    w.note('begin freed');
    const summaries = await Promise.all(handles.map(handle => handle.result()));
    expect(
      summaries
        .flatMap(({ calls }) => calls)
        .map(({ posted, isError, attempts }) => [posted, isError, attempts]),
    ).toEqual(Array.from({ length: 6 }, () => [true, false, 1]));
    expect(textsOf(running)).toEqual(['running met all', expect.stringContaining('no room'), 'did after']);
    expect(textsOf(fresh)).toEqual(['did fresh']);
    for (const label of ['posting', 'holding', 'running', 'bash', 'after', 'fresh'])
      expect(w.effects(`begin ${label}`)).toHaveLength(1);
    // Each failed try would have left its half file.
    const left = readdirSync(disk.folder, { recursive: true, encoding: 'utf8' }).filter(name =>
      name.endsWith('.tmp'),
    );
    expect(left).toEqual([]);
    expect(worker.ended).toBe(false);
  });
});
