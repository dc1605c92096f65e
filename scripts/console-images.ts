/**
 * Pictures of the console for its document, light and dark: `npm run console:images`. Real sessions against the emulator,
 * a real worker that is killed once, a real browser.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { answerApproval, heldCallsOf, startSession } from '../src/client.ts';
import type { Agent } from '../src/emulator/agent.ts';
import type { CreateOptions } from '../src/emulator/handle.ts';
import { IMAGES, onStage, type Stage, until } from './console/stage.ts';

const TITLES = [
  'Upgrade the linter',
  'Answer the ticket about invoices',
  'Translate the handbook',
  'Find the slow query',
  'Weekly numbers for sales',
  'Check the links of the docs',
];

const COMMAND = [
  'set -eu',
  'psql "$SHOP_DB" <<SQL',
  "  delete from carts where updated_at < now() - interval '90 days';",
  '  vacuum analyze carts;',
  'SQL',
].join('\n');

await onStage(async stage => {
  const start = async (
    title: string,
    script: NonNullable<CreateOptions['script']>,
    maxIdleMs = 3_600_000,
  ) => {
    const made = stage.emulator.createSession({ title, script, message: 'go' });
    await startSession(stage.client, made.id, { maxIdleMs });
    return made;
  };
  const first = await stage.worker();
  for (const title of TITLES)
    await start(title, [{ call: 'bash', input: { command: 'echo fine' } }, { say: 'Done.' }], 1_000);
  const main = await start('Mend the failing tests of the shop', mending, 3_600_000);
  await until('the tests run', () => existsSync(join(stage.folder, 'testing')));
  // Its tool runs on, and is attached to again.
  first.child.kill('SIGKILL');
  await stage.worker();
  await answered(stage, main.id);
  await start('Clean up old carts', [
    { call: 'bash', input: { command: 'df -h /var/lib/postgresql' } },
    { ask: 'bash', input: { command: COMMAND } },
  ]);
  await start('Tell the customers of the outage', [
    {
      ask: 'write',
      input: {
        file_path: 'mail/outage.md',
        content:
          '# We were away\n\nFrom 14:02 to 14:31 orders could not be placed.\nNothing was charged twice.\n',
      },
    },
  ]);
  await start('Sync the catalogue', [{ call: 'sync_catalogue', input: { shop: 'zurich' } }]);
  const url = await stage.console({ USER: 'alice' });
  for (const theme of ['light', 'dark'] as const) {
    const page = await stage.page(url, theme);
    await page
      .locator('tbody tr', { hasText: 'Sync the catalogue' })
      .locator('.badge', { hasText: 'running' })
      .waitFor();
    await until('three sessions are held', async () => (await page.locator('.held-number').count()) === 2);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await shoot(page, `sessions-${theme}`);
    await page.goto(new URL(`/sessions/${main.id}`, url).href);
    await page.locator('.mark.reattached').first().waitFor();
    await page.locator('.timeline tr', { hasText: 'npm run lint; sleep' }).locator('rect.running').waitFor();
    await shoot(page, `session-${theme}`);
    await page.goto(new URL('/approvals', url).href);
    await until('both are asked', async () => (await page.locator('article').count()) === 2);
    for (const name of await page.locator('[data-by]').all()) await name.fill('alice');
    await page.locator('h1').click();
    await page.keyboard.press('j');
    await shoot(page, `approvals-${theme}`);
    await page.context().close();
  }
  const narrow = await stage.page(url, 'light', { width: 420, height: 860 });
  await shoot(narrow, 'narrow-sessions');
  await narrow.goto(new URL(`/sessions/${main.id}`, url).href);
  await narrow.locator('.mark.reattached').first().waitFor();
  await shoot(narrow, 'narrow-session');
});

async function mending(agent: Agent): Promise<void> {
  const bash = (command: string) => agent.call('bash', { command });
  await agent.calls([
    { name: 'glob', input: { pattern: '**/*.ts' } },
    { name: 'bash', input: { command: 'git log --oneline -5 2>/dev/null || echo "no history"' } },
    { name: 'write', input: { file_path: 'src/cart.ts', content: 'export const total = 0;\n' } },
  ]);
  await bash('for i in 1 2 3 4; do echo "test $i: failed"; sleep 0.2; done; exit 1');
  await agent.call('read', { file_path: 'src/cart.ts' });
  await agent.call('edit', { file_path: 'src/cart.ts', old_string: '0', new_string: '1' });
  await bash('touch "$STAGE/testing"; for i in $(seq 1 14); do echo "test $i: ok"; sleep 0.3; done');
  await agent.ask('bash', { command: 'git push origin fix/cart' });
  await bash('echo "npm run lint"; sleep 1');
  await bash('npm run lint; sleep 110');
}

/** Says yes to what the session asks, after a moment. */
async function answered(stage: Stage, session: string): Promise<void> {
  const call = await until(
    'it asks',
    async () => (await heldCallsOf(stage.client, session).catch(() => []))[0]?.call,
  );
  await new Promise(resolve => setTimeout(resolve, 2_500));
  await answerApproval(stage.client, session, { callId: call, result: 'allow', by: 'alice' });
}

async function shoot(page: Page, name: string): Promise<void> {
  const path = join(IMAGES, `console-${name}.png`);
  await page.screenshot({ path });
  process.stdout.write(`${path}\n`);
}
