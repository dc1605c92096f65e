/** A real browser, as somebody on duty has one. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PATH = '/usr/bin/chromium';

/** `HOLDFAST_CHROMIUM=none`, which CI sets and says where none can be installed: nothing is tried in a browser then. */
export const hasBrowser = process.env.HOLDFAST_CHROMIUM !== 'none';

/** @throws one line that says how to install it. */
export async function openChromium(): Promise<Browser> {
  const executablePath = process.env.HOLDFAST_CHROMIUM ?? PATH;
  if (!existsSync(executablePath))
    throw new Error(
      `no Chromium at ${executablePath}: install it (apt-get install chromium), or name one in HOLDFAST_CHROMIUM`,
    );
  // As root it refuses to run in its sandbox.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}
