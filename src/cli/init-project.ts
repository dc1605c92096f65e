/** Makes a folder one in which `holdfast up` works. Nothing that is there is overwritten. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Dependencies, ENV, packageJson, SCRIPT_NAME, TOOLS, withScript } from './init-files.ts';

export interface Project {
  /** What was written and what was left alone, a line each. */
  readonly lines: readonly string[];
  /** What to type next, in the folder. */
  readonly next: readonly [string, string];
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULES = ['tools.ts', 'tools.mts', 'tools.js', 'tools.mjs'];

/** @throws where the folder cannot be written. */
export function writeProject(folder: string): Project {
  mkdirSync(folder, { recursive: true });
  const lines = [writeTools(folder), writeEnv(folder), ignoreEnv(folder), writePackage(folder)];
  return { lines, next: nextCommands(folder) };
}

function writeTools(folder: string): string {
  const present = MODULES.find(name => existsSync(join(folder, name)));
  if (present !== undefined) return `left ${present} alone: it is there`;
  writeFileSync(join(folder, 'tools.ts'), TOOLS, { flag: 'wx' });
  return 'wrote tools.ts: a tool to begin with';
}

function writeEnv(folder: string): string {
  const file = join(folder, '.env');
  const module = MODULES.find(name => existsSync(join(folder, name))) ?? 'tools.ts';
  if (existsSync(file)) {
    const isNamed = /^\s*(export\s+)?HOLDFAST_TOOLS\s*=/m.test(readFileSync(file, 'utf8'));
    return `left .env alone: it is there${isNamed ? '' : `; add HOLDFAST_TOOLS=./${module} to it`}`;
  }
  // For keys, so for nobody else to read.
  writeFileSync(file, ENV.replace('./tools.ts', `./${module}`), { flag: 'wx', mode: 0o600 });
  return 'wrote .env: settings, for you to fill in';
}

function ignoreEnv(folder: string): string {
  const file = join(folder, '.gitignore');
  if (!existsSync(file)) {
    writeFileSync(file, '.env\nnode_modules\n', { flag: 'wx' });
    return 'wrote .gitignore: .env and node_modules';
  }
  const text = readFileSync(file, 'utf8');
  if (text.split('\n').some(line => /^\/?\.env\*?$/.test(line.trim())))
    return 'left .gitignore alone: it names .env';
  writeFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}.env\n`, { flag: 'a' });
  return 'added .env to .gitignore';
}

function writePackage(folder: string): string {
  const file = join(folder, 'package.json');
  if (existsSync(file)) {
    const changed = withScript(readFileSync(file, 'utf8'));
    if ('why' in changed) return `left package.json alone: ${changed.why}`;
    writeFileSync(file, changed.text);
    return `added the script "${SCRIPT_NAME}" to package.json`;
  }
  // Its own package.json would hide the package that the folder lies in, and with it the command.
  if (isUsable(folder)) return 'wrote no package.json: this folder belongs to a package that has holdfast';
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  // A checkout runs on the Node that it has brought, and so must this.
  const node = isCheckout() ? ownPackage().devDependencies.node : undefined;
  writeFileSync(file, packageJson(name === '' ? 'agent-tools' : name, dependencies(folder), node), {
    flag: 'wx',
  });
  return `wrote package.json: the script "${SCRIPT_NAME}"`;
}

function nextCommands(folder: string): readonly [string, string] {
  if (isUsable(folder)) return ['npx holdfast tools --check', 'npx holdfast up'];
  const listed = existsSync(join(folder, 'package.json'))
    ? readFileSync(join(folder, 'package.json'), 'utf8')
    : '';
  const missing = Object.entries(dependencies(folder)).filter(([name]) => !listed.includes(`"${name}"`));
  const words = missing.map(([name, spec]) => (spec.startsWith('file:') ? spec.slice(5) : `${name}@${spec}`));
  return [['npm install', ...words].join(' '), 'npx holdfast up'];
}

/** Whether `npx holdfast` and the module's import of the SDK work in this folder as it is. */
function isUsable(folder: string): boolean {
  return hasCommand(folder) && hasSdk(folder);
}

/** As npx looks for it: in `node_modules/.bin` of the folder and of those it lies in, and as the package itself. */
function hasCommand(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules', '.bin', 'holdfast'))) return true;
    // The nearest package is where npx stops to look for the package itself.
    if (existsSync(join(at, 'package.json'))) return resolve(at) === resolve(ROOT);
    if (dirname(at) === at) return false;
  }
}

function hasSdk(folder: string): boolean {
  try {
    createRequire(join(folder, 'tools.ts')).resolve('@anthropic-ai/sdk/helpers/beta/json-schema');
    return true;
  } catch {
    return false;
  }
}

/** An installed package is asked for by its version; a checkout by its path, since that is what is being tried. */
function dependencies(folder: string): Dependencies {
  const { version, dependencies } = ownPackage();
  return {
    '@anthropic-ai/sdk': dependencies['@anthropic-ai/sdk'] ?? 'latest',
    holdfast: isCheckout() ? `file:${relative(folder, ROOT)}` : `^${version}`,
  };
}

function isCheckout(): boolean {
  return existsSync(join(ROOT, 'src', 'cli.ts'));
}

function ownPackage() {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
    readonly dependencies: Dependencies;
    readonly devDependencies: Dependencies;
  };
}
