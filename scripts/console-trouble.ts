/**
 * Five ways in which a session goes wrong, and one in which nobody serves it, as the console tells them: `npm run console:trouble` makes each of them against
 * the emulator with real processes, and pictures of what whoever is on duty sees, docs/images/trouble-*.png. It fails
 * where a page does not say what happened and what to do.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startSession } from '../src/client.ts';
import type { CreateOptions, SessionHandle } from '../src/emulator/handle.ts';
import { toolHostPid, toolProcesses } from '../test/e2e/support/leftovers.ts';
import { IMAGES, kill, onStage, type Stage, until } from './console/stage.ts';

/** So much later is it in the pictures of what only time makes a trouble. */
const LATER_MS = 47 * 60_000;

const bash = (command: string) => ({ call: 'bash', input: { command } });
const BACKUP = 'for i in 1 2 3; do echo "table $i of 9 copied"; done; touch "$STAGE/copying"; sleep 600';

await onStage(async stage => {
  const session = async (title: string, script: NonNullable<CreateOptions['script']>) => {
    const made = stage.emulator.createSession({ title, script, message: 'go' });
    await startSession(stage.client, made.id, { maxIdleMs: 3_600_000 });
    return made;
  };
  // One host at first, so that the session that loses its host begins there.
  const sessions = await stage.worker(['--roles', 'sessions,listeners']);
  const there = { HOLDFAST_STATE_DIR: stage.stateDir('there'), HOLDFAST_HOST_LOST: '5m' };
  const gone = await stage.worker(['--roles', 'tools'], there);
  const lost = await session('Nightly export of the orders', [
    bash('echo "day 12 of 31 exported"; sleep 600'),
  ]);
  await running(stage, lost);
  await stage.worker(['--roles', 'tools'], { HOLDFAST_HOST_LOST: '5m' });
  kill(gone.child.pid ?? 0);
  for (const pid of toolProcesses(stage.stateDir('there'))) kill(pid);
  const killed = await session('Back up the customer database', [
    bash('pg_dump --version || echo "no pg_dump here"'),
    bash(BACKUP),
    bash('ls'),
    { say: 'I will check what was copied.' },
  ]);
  await until('the copy runs', () => existsSync(join(stage.folder, 'copying')));
  kill(toolHostPid(stage.stateDir('here'), killed.id));

  const refused = await session('Tidy the release notes', [
    bash('echo "# 2.4.0" > NOTES.md; cat NOTES.md'),
    { say: 'Done.' },
  ]);
  refused.setFaults({ fail: [{ route: 'send', status: 529, times: 1_000_000, message: 'Overloaded' }] });

  const forgotten = await session('Roll out 2.4.0', [
    bash('echo "build 2.4.0: ok"'),
    {
      ask: 'bash',
      input: {
        command:
          'kubectl --context production apply -f deploy/2.4.0.yaml\nkubectl rollout status deploy/shop --timeout=5m',
      },
    },
  ]);
  const endless = await session('Sync the catalogue', [
    bash('echo "shop: zurich"'),
    { call: 'sync_catalogue', input: { shop: 'zurich' } },
  ]);

  const now = await stage.console();
  const later = await stage.consoleLater(LATER_MS);
  await picture(stage, now, killed, 'tool-host-killed', [
    'Nobody knows how',
    'was not run again',
    'the tool host does not answer',
  ]);
  const known = await opened(stage, now, killed);
  await known.getByRole('link', { name: 'See what is known of it' }).click();
  await known.getByText('table 3 of 9 copied').first().waitFor();
  await shoot(known, 'tool-host-killed-call');
  await picture(stage, now, refused, 'api-refusing', [
    'The API does not take what is asked of it',
    'Overloaded',
    'no tool runs again',
  ]);
  await picture(stage, now, lost, 'host-lost', [
    'takes this session’s work',
    'After 5 min without it, another machine takes over',
    'none starts twice',
  ]);
  await picture(stage, later, forgotten, 'approval-forgotten', [
    'for 47 min',
    'It looks forgotten',
    'Answer in the approvals',
  ]);
  await picture(stage, later, endless, 'endless-tool', ['has been running for 47 min', 'holdfast stop']);
  const page = await opened(stage, later, endless);
  await page.getByRole('link', { name: 'See its output' }).first().click();
  await page.getByText('the other side holds lock 17').first().waitFor();
  await shoot(page, 'endless-tool-output');
  sessions.child.kill('SIGKILL');
  // One that has seen nothing before knows what Temporal alone knows.
  await picture(stage, await stage.console(), endless, 'no-worker', [
    'No worker answers for this session',
    'what Temporal alone knows',
    'not known while no worker answers',
  ]);
});

/** Waits until a call of the session runs. */
async function running(stage: Stage, session: SessionHandle): Promise<void> {
  await until(`a call of ${session.id} runs`, async () => {
    const calls = await stage.client.workflow
      .getHandle(session.id)
      .query<{ state: string }[]>('calls')
      .catch(() => []);
    return calls.some(({ state }) => state === 'running');
  });
}

async function opened(stage: Stage, console: string, session: SessionHandle): Promise<Page> {
  const page = await stage.page(console);
  await page.goto(new URL(`/sessions/${session.id}`, console).href);
  return page;
}

async function picture(
  stage: Stage,
  console: string,
  session: SessionHandle,
  name: string,
  says: readonly string[],
): Promise<void> {
  const page = await opened(stage, console, session);
  for (const text of says) await page.getByText(text).first().waitFor({ timeout: 120_000 });
  await shoot(page, name);
  await page.context().close();
}

async function shoot(page: Page, name: string): Promise<void> {
  const path = join(IMAGES, `trouble-${name}.png`);
  await page.screenshot({ path });
  process.stdout.write(`${path}\n`);
}
