/** What the console's pictures are taken of: an emulated API, a Temporal server, real processes, a real browser. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { Browser, Page } from 'playwright-core';
import { readConfig } from '../../src/config.ts';
import { startTemporalServer } from '../../src/dev/temporal-server.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { openChromium } from '../../test/e2e/support/chromium.ts';
import { toolProcesses } from '../../test/e2e/support/leftovers.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'bin', 'holdfast.js');
export const IMAGES = join(ROOT, 'docs', 'images');
const WINDOW = { width: 1180, height: 760 };
const LIMIT_MS = 180_000;
/** Names of the state folders: machines, as far as Holdfast can tell. */
export const HOSTS = ['here', 'there'] as const;
const SKEW = fileURLToPath(new URL('../../test/e2e/support/skewed-clock.ts', import.meta.url));
const TOOLS = fileURLToPath(new URL('./tools.ts', import.meta.url));

export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'hfc-'));
  readonly emulator: Emulator;
  readonly client: Client;
  readonly browser: Browser;
  readonly address: string;
  readonly #children = new Map<ChildProcess, string>();

  constructor(parts: Pick<Stage, 'emulator' | 'client' | 'browser' | 'address'>) {
    this.emulator = parts.emulator;
    this.client = parts.client;
    this.browser = parts.browser;
    this.address = parts.address;
  }

  stateDir(host: (typeof HOSTS)[number]): string {
    return join(this.folder, host);
  }

  /** Starts a command and resolves with what it wrote once `says` stands in it. */
  async run(args: readonly string[], says: string, more: Readonly<Record<string, string>> = {}) {
    const { PATH, HOME, LANG, XDG_CACHE_HOME } = process.env;
    const env = {
      ...{ PATH, HOME, LANG, XDG_CACHE_HOME },
      ANTHROPIC_API_KEY: 'emulated',
      ANTHROPIC_BASE_URL: this.emulator.url,
      TEMPORAL_ADDRESS: this.address,
      HOLDFAST_STATE_DIR: this.stateDir('here'),
      HOLDFAST_TOOLS: TOOLS,
      HOLDFAST_TOOL_ENV: 'STAGE',
      STAGE: this.folder,
      ...more,
    };
    const child = spawn(process.execPath, [BIN, ...args], {
      env,
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    const hear = (text: Buffer) => {
      said += text;
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    this.#children.set(child, args.join(' '));
    await until(`${args.join(' ')} says ${says}`, () => {
      if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended: ${said}`);
      return said.includes(says);
    });
    return { child, said };
  }

  /** A console that lives so many ms later than all else: what waits has waited for so long. */
  consoleLater(ms: number): Promise<string> {
    const skew = join(this.folder, 'skew');
    writeFileSync(skew, String(ms));
    return this.console({ CLOCK_SKEW: skew, NODE_OPTIONS: `--import=${SKEW}` });
  }

  worker(args: readonly string[] = [], more: Readonly<Record<string, string>> = {}) {
    return this.run(['worker', ...args], 'worker ready', more);
  }

  /** @returns the console's address with its token in it. */
  async console(more: Readonly<Record<string, string>> = {}): Promise<string> {
    const { said } = await this.run(['console', '--port', '0', '--json'], '"urlWithToken"', more);
    return (JSON.parse(said) as { urlWithToken: string }).urlWithToken;
  }

  async page(url: string, colorScheme: 'light' | 'dark' = 'light', window = WINDOW): Promise<Page> {
    const context = await this.browser.newContext({ colorScheme, viewport: window, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(url);
    return page;
  }

  async end(): Promise<void> {
    await this.browser.close();
    for (const [child] of this.#children) child.kill('SIGTERM');
    await Promise.all(
      [...this.#children.keys()].map(
        child => child.exitCode ?? child.signalCode ?? new Promise(done => child.once('exit', done)),
      ),
    );
  }
}

/** Runs `play` on a stage and clears it away. */
export async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  await mkdir(IMAGES, { recursive: true });
  const browser = await openChromium();
  const { cacheDir, env } = readConfig();
  const folder = mkdtempSync(join(tmpdir(), 'hft-'));
  const server = await startTemporalServer({ env, cacheDir, folder, output: process.stderr });
  const connection = await Connection.connect({ address: server.address });
  const emulator = await startEmulator({});
  const stage = new Stage({
    emulator,
    client: new Client({ connection }),
    browser,
    address: server.address,
  });
  try {
    await play(stage);
  } finally {
    await stage.end();
    await endToolHosts(stage);
    await emulator.close();
    await connection.close();
    await server.close();
    for (const each of [folder, stage.folder]) rmSync(each, { recursive: true, force: true });
  }
}

/** They outlive their workers on purpose. */
async function endToolHosts(stage: Stage): Promise<void> {
  const left = () => HOSTS.flatMap(host => toolProcesses(stage.stateDir(host)));
  for (const pid of left()) kill(pid);
  await until('all tools have ended', () => left().length === 0);
}

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

export async function until<T>(
  what: string,
  read: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(50);
  }
}
