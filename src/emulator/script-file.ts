/** Loads the file of `holdfast emulator --script`. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorText } from '../error-text.ts';
import { readScript, type Script } from './script.ts';
import { readSeed, type Seed } from './seed.ts';
import type { Scripts } from './sessions.ts';

/** What a script file brings. */
export interface ScriptFile {
  readonly scripts: Scripts;
  readonly seed: Seed;
}

/** A script file that cannot be used; the message names the file and says why. */
export class ScriptFileError extends Error {}

/**
 * A `.json` file holds an array of steps, or `{ "default": steps, "scripts": { "name": steps } }` and what else
 * the emulator begins with (`Seed`): `environments`, `skills`, `memory_stores`, `sessions`. Any other file is
 * imported as a module that exports the same: `export default script`, `export const scripts = {…}`.
 */
export async function loadScriptFile(file: string): Promise<ScriptFile> {
  try {
    return readFileOf(
      file.endsWith('.json') ? await readJson(file) : await import(pathToFileURL(resolve(file)).href),
    );
  } catch (error) {
    const reason = errorText(error).split('\n')[0];
    throw new ScriptFileError(`cannot use the script file ${file}: ${reason}`);
  }
}

async function readJson(file: string): Promise<unknown> {
  const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
  return Array.isArray(parsed) ? { default: parsed } : parsed;
}

function readFileOf(loaded: unknown): ScriptFile {
  const { default: main, scripts, ...rest } = (loaded ?? {}) as { default?: unknown; scripts?: unknown };
  if (main === undefined && scripts === undefined && Object.keys(rest).length === 0) {
    throw new Error('it has neither a default script nor `scripts`');
  }
  const named: Record<string, Script> = {};
  for (const [name, script] of Object.entries(scripts ?? {})) named[name] = readNamed(name, script);
  return {
    scripts: { ...(main !== undefined && { default: readNamed('default', main) }), named },
    seed: readSeed(rest),
  };
}

function readNamed(name: string, script: unknown): Script {
  try {
    return readScript(script);
  } catch (error) {
    throw new Error(`script ${JSON.stringify(name)}: ${(error as Error).message}`);
  }
}
