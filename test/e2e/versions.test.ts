/** Two builds of a worker on one host (docs/upgrades.md): who serves which run, and when a run goes over. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './support/eventually.ts';
import { runIdsOf } from './support/history.ts';
import { createWorld, type World } from './support/world.ts';

let w: World;
beforeAll(async () => {
  w = await createWorld(import.meta.url);
});
afterAll(() => w.end());

const DEPLOYMENT = 'holdfast';

async function startBuild(buildId: string) {
  const env = { TEMPORAL_DEPLOYMENT_NAME: DEPLOYMENT, TEMPORAL_WORKER_BUILD_ID: buildId };
  return w.run(['worker'], env).says('worker ready');
}

/** What `temporal worker deployment set-current-version` does. */
async function makeCurrent(buildId: string): Promise<void> {
  const { connection, options } = w.client;
  const request = { namespace: options.namespace, deploymentName: DEPLOYMENT, buildId, identity: 'test' };
  await eventually(`build ${buildId} is known to the server and current`, () =>
    connection.workflowService.setWorkerDeploymentCurrentVersion(request).then(
      () => true,
      () => false,
    ),
  );
}

/** The builds that a run's workflow tasks were done by, each once. */
async function buildsOf(sessionId: string, runId: string): Promise<(string | null | undefined)[]> {
  const { events } = await w.client.workflow.getHandle(sessionId, runId).fetchHistory();
  const done = (events ?? []).flatMap(event => event.workflowTaskCompletedEventAttributes ?? []);
  return [...new Set(done.map(({ deploymentVersion }) => deploymentVersion?.buildId))];
}

/** Of all runs of a session, in their order. */
async function buildsOfRuns(sessionId: string): Promise<(string | null | undefined)[][]> {
  const runs = await runIdsOf(w.client, sessionId);
  return Promise.all(runs.map(run => buildsOf(sessionId, run)));
}

describe('a run that began on build A, after build B was made current', () => {
  it('ends on A, unless it continues as new; new sessions go to B; each call runs once', async () => {
    const plain = await w.worker();
    const gated = (name: string, calls: number) =>
      w.session(async agent => {
        await agent.call('effect', { label: `${name}-before`, ms: 1 });
        await agent.call('wait_for', { label: name, line: 'switched' });
        for (let i = 0; i < calls; i++) await agent.call('effect', { label: `${name}-${i}`, ms: 1 });
      });
    // Of the time before there were versions: it goes to the first build that is made current.
    const old = gated('old', 1);
    const before = await w.begin(old.id, { maxIdleMs: 1_000 });
    await w.effect('begin old');
    const a = await startBuild('A');
    await makeCurrent('A');
    await plain.end('SIGTERM');
    const stays = gated('stays', 2);
    const grows = gated('grows', 13);
    const rests = gated('rests', 0);
    const first = await Promise.all([
      w.begin(stays.id, { maxIdleMs: 1_000 }),
      w.begin(grows.id, { maxIdleMs: 1_000, maxHistory: 80 }),
      // Its lease ends soon: the quiet moment at which a run looks for a newer build.
      w.begin(rests.id, { maxIdleMs: 4_000, leaseMs: 2_000 }),
    ]);
    for (const name of ['stays', 'grows', 'rests']) await w.effect(`end ${name}-before`);

    const b = await startBuild('B');
    expect(b.stderr).toContain('build B of holdfast');
    await b.says('new sessions go to build A, not to build B of holdfast, until: temporal worker deployment');
    await makeCurrent('B');
    const fresh = w.session(async agent => {
      await agent.call('bash', { command: 'echo fresh' });
    });
    const second = await w.begin(fresh.id);
    expect(await second.result()).toMatchObject({ state: 'done' });
    expect(await buildsOfRuns(fresh.id)).toEqual([['B']]);

    const pinnedToA = () =>
      w.client.workflow
        .count("TemporalWorkerDeploymentVersion = 'holdfast:A' AND ExecutionStatus = 'Running'")
        .then(({ count }) => count);
    await eventually('a run is listed as one of A', async () => (await pinnedToA()) > 0);

    w.note('switched');
    expect(await before.result()).toMatchObject({ state: 'done' });
    const [of] = await buildsOfRuns(old.id);
    expect(of?.at(0)).toBeUndefined();
    expect(['A', 'B']).toContain(of?.at(-1));
    const [stayed, grown, rested] = await Promise.all(first.map(handle => handle.result()));
    expect(await buildsOfRuns(stays.id)).toEqual([['A']]);
    for (const id of [grows.id, rests.id]) {
      const [began, ...later] = await buildsOfRuns(id);
      expect(began).toEqual(['A']);
      // The server's queues may hear of the new current build a moment later than who asks for it.
      expect(later.flat().join('')).toMatch(/^A*B+$/);
    }
    for (const summary of [stayed, grown, rested]) {
      expect(summary).toMatchObject({ state: 'done', reason: 'idle' });
      expect(summary?.calls.filter(call => !(call.posted && call.attempts === 1))).toEqual([]);
    }
    expect(w.effects('begin grows-')).toHaveLength(14);

    await eventually('nothing runs on A any more', async () => (await pinnedToA()) === 0);
    await a.end('SIGTERM');
    const last = await w.begin(stays.id, { maxIdleMs: 300 });
    expect(await last.result()).toMatchObject({ state: 'done' });
  });
});
