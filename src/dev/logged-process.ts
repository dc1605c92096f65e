/** A program of ours as a child that ends with us, its output in a file. */
import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Env } from './child-env.ts';
import { lastLines } from './temporal-binary.ts';
import { spawnTethered, type TetheredProcess } from './tethered-process.ts';

export interface LoggedProcessOptions {
  /** Arguments of Node; the first is the program. */
  readonly args: readonly string[];
  readonly env: Env;
  readonly cwd: string;
  /** Takes both output streams; only ever appended to. */
  readonly logFile: string;
}

/** Runs a program on the Node that runs this, which is also the `node` that the program's children find. */
export async function startLogged(options: LoggedProcessOptions): Promise<TetheredProcess> {
  const { args, env, cwd, logFile } = options;
  const path = [dirname(process.execPath), env.PATH ?? '/usr/bin:/bin'].join(':');
  const log = await open(logFile, 'a');
  try {
    return await spawnTethered(process.execPath, args, { env: { ...env, PATH: path }, cwd, output: log.fd });
  } finally {
    await log.close();
  }
}

/** The last lines of a log, for an error; empty where there is none. */
export async function lastWords(logFile: string): Promise<string> {
  return lastLines(await readFile(logFile, 'utf8').catch(() => ''), 5, 1_000);
}

/** An environment less the variables whose names match. */
export function without(env: Env, names: RegExp): Env {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.test(name)));
}
