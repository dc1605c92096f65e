#!/usr/bin/env node
// The process itself, never a launcher: a signal sent to it reaches the worker. Runs the build where there
// is one (an installed package) and the sources where there is not (a checkout; Node strips the types).
import { existsSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `holdfast: needs Node 22.18 or later, this is ${process.versions.node}. ` +
      'In a checkout, `npx holdfast …` uses the Node that `npm ci` installed.',
  );
  process.exit(1);
}
// Halves what a start costs. Not in the shared temporary folder: whoever writes there would have their code run here.
if (!process.env.NODE_COMPILE_CACHE)
  module.enableCompileCache(
    join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'holdfast', 'compiled'),
  );
const sources = new URL('../src/cli.ts', import.meta.url);
const built = new URL('../dist/cli.js', import.meta.url);
const { main } = await import(existsSync(sources) ? sources.href : built.href);
await main(process.argv);
