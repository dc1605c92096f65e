/** The console in a real Chromium: what somebody on duty sees and does. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersOf } from './support/answers.ts';
import { hasBrowser, openChromium } from './support/chromium.ts';
import { eventually } from './support/eventually.ts';
import type { HoldfastProcess } from './support/holdfast-process.ts';
import { sharedWorld } from './support/world.ts';

const shared = sharedWorld(import.meta.url);
let browser: Browser;
let shown: HoldfastProcess;
let url = '';
let urlWithToken = '';

beforeAll(async () => {
  if (!hasBrowser) return;
  browser = await openChromium();
  shown = shared().run(['console', '--port', '0', '--json']);
  await shown.says('urlWithToken');
  ({ url, urlWithToken } = JSON.parse(shown.stdout) as { url: string; urlWithToken: string });
});
afterAll(async () => {
  await browser?.close();
  if (hasBrowser) expect(await shown?.end('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
});

/** A page of its own, which fails the test where the browser complains. */
async function opened(address: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await (await browser.newContext()).newPage();
  const complaints: string[] = [];
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(error.message));
  await page.goto(address);
  return { page, complaints };
}

/** A command that writes a line, waits for an effect, and writes another. */
function talking(label: string): string {
  return `echo "${label} begins <b>&amp;</b>"; until grep -q "go ${label}" "$EFFECTS"; do sleep 0.05; done; echo "${label} ends"`;
}

describe.runIf(hasBrowser).concurrent('the console', () => {
  it('finds a held call by keys, shows what it wants, and takes the verdict', async () => {
    const w = shared();
    const hostile = `echo "<script>document.title='owned'</script>"; echo "ran 0000000000000" >> "$EFFECTS"`;
    const session = w.session([
      { ask: 'bash', input: { command: hostile } },
      { ask: 'bash', input: { command: 'echo "never 0000000000000" >> "$EFFECTS"' } },
    ]);
    const handle = await w.begin(session.id, { maxIdleMs: 600_000 });
    const { page, complaints } = await opened(urlWithToken);
    expect(page.url()).toBe(`${url}sessions`);
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    // Its scripts have run then.
    await page.waitForURL(`${url}approvals`);
    const card = page.locator('article', { hasText: session.id });
    await card.waitFor();
    expect(await card.locator('pre').innerText()).toBe(hostile);
    await page.keyboard.press('j');
    await page.keyboard.press('a');
    await page.keyboard.press('Enter');
    await w.effect('ran');
    // The next one comes by itself, and is denied with words.
    await page.locator('article', { hasText: 'never' }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('d');
    await page.keyboard.type('not on a Friday');
    await page.keyboard.press('Enter');
    const told = page.locator('.answered tbody tr', { hasText: session.id });
    await eventually('both answers are told', async () => (await told.count()) === 2);
    expect(await told.allInnerTexts()).toEqual([
      expect.stringContaining('denied'),
      expect.stringContaining('allowed'),
    ]);
    const verdicts = session
      .events('user.tool_confirmation')
      .filter(({ processed_at }) => processed_at !== null);
    expect(verdicts.map(({ result }) => result)).toEqual(['allow', 'deny']);
    expect(JSON.stringify(session.events('agent.tool_result'))).toContain('not on a Friday');
    await w.begin(session.id, { maxIdleMs: 100 });
    expect((await handle.result()).calls).toMatchObject([{ posted: true }, { posted: false }]);
    expect(w.effects('never')).toEqual([]);
    expect(await page.title()).toContain('Holdfast');
    expect(complaints).toEqual([]);
  });

  it('follows a running call’s output, and tells the finished session as a timeline', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.call('bash', { command: talking('tail') });
      await agent.call('bash', { command: 'exit 3' });
    });
    await w.begin(session.id);
    // Without the token: everything is there to be read.
    const { page, complaints } = await opened(`${url}sessions?id=${session.id}`);
    await page.locator('tr', { hasText: session.id }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${url}sessions/${session.id}`);
    await page.locator('tr', { hasText: 'tail begins' }).locator('rect.running').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    const output = page.locator('#output');
    await output.getByText('tail begins <b>&amp;</b>').waitFor();
    expect(await output.innerText()).not.toContain('tail ends');
    w.note('go tail');
    await output.getByText('tail ends').waitFor();
    await page.goto(`${url}sessions/${session.id}`);
    await page.locator('h1 .badge', { hasText: 'done' }).waitFor({ timeout: 60_000 });
    const rows = page.locator('.timeline tbody tr');
    expect(await rows.locator('.badge').allInnerTexts()).toEqual(['error', 'settled']);
    const [failed, tailed] = await rows
      .locator('svg.bars')
      .evaluateAll(bars => bars.map(bar => bar.getAttribute('aria-label') ?? ''));
    expect(tailed).toMatch(/^(waited [\d.]+ m?s, )?ran [\d.]+ m?s, posted in [\d.]+ m?s$/);
    expect(failed).toContain('ran ');
    expect(answersOf(session)).toHaveLength(2);
    expect(complaints).toEqual([]);
  });

  it('says which host has an output that is not on this machine', async () => {
    const w = shared();
    const session = w.session([{ call: 'bash', input: { command: 'echo elsewhere' } }]);
    await (await w.begin(session.id)).result();
    const [call] = (await w.calls(session.id)).map(({ id }) => id);
    const other = w.run(['console', '--port', '0', '--json'], { HOLDFAST_STATE_DIR: `${w.folder}/other` });
    await other.says('urlWithToken');
    const elsewhere = (JSON.parse(other.stdout) as { url: string }).url;
    const text = await eventually('the page of the call', async () => {
      const page = await (await fetch(`${elsewhere}sessions/${session.id}/calls/${call}`)).text();
      return page.includes('the session’s tools run on the machine with the host id') && page;
    });
    expect(text).toContain(`holdfast logs ${session.id} ${call}`);
    expect((await other.end('SIGTERM')).code).toBe(0);
  });
});
