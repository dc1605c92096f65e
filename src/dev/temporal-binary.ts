import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { type Env, serverEnv } from './child-env.ts';

/** Flags of `temporal server start-dev` that the server is started with; older CLIs lack some. */
const neededFlags = ['--db-filename', '--dynamic-config-value', '--search-attribute', '--namespace', '--ip'];

export type BinaryProbe =
  | { readonly kind: 'usable'; readonly version: string }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Every executable file of that name in the absolute folders of a PATH, in its order. */
export function executablesOnPath(name: string, path: string | undefined): string[] {
  const folders = (path ?? '').split(':').filter(isAbsolute);
  return [...new Set(folders)].map(folder => join(folder, name)).filter(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export type RunOutcome =
  | { readonly kind: 'ok'; readonly stdout: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Runs a program for its output. It is killed after `limitMs`; whatever goes wrong is told in `reason`. */
export function runBriefly(file: string, args: string[], env: Env, limitMs: number): Promise<RunOutcome> {
  const command = `${file} ${args.join(' ')}`;
  const options = {
    env: env as NodeJS.ProcessEnv,
    timeout: limitMs,
    killSignal: 'SIGKILL',
    cwd: '/',
  } as const;
  return new Promise(resolve => {
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      if (!error) return resolve({ kind: 'ok', stdout });
      const said = lastLines(`${stdout}${stderr}`, 2, 300);
      let why = `exited with ${error.code ?? error.signal}`;
      if (error.killed) why = `gave no answer within ${limitMs} ms`;
      else if (typeof error.code === 'string') why = `cannot be run (${error.code})`;
      resolve({ kind: 'failed', reason: `\`${command}\` ${why}${said === '' ? '' : `: ${said}`}` });
    });
    child.stdin?.end();
  });
}

/** Whether this is a Temporal CLI that runs here and can start the server we need. `limitMs` bounds each of two runs. */
export async function probeBinary(file: string, env: Env, limitMs: number): Promise<BinaryProbe> {
  const version = await runBriefly(file, ['--version'], serverEnv(env), limitMs);
  if (version.kind === 'failed') return { kind: 'unusable', reason: version.reason };
  const first = version.stdout.trim().split('\n')[0] ?? '';
  if (!/^temporal version /.test(first)) {
    return {
      kind: 'unusable',
      reason: `${file} is not the Temporal CLI: --version answers ${JSON.stringify(first)}`,
    };
  }
  const help = await runBriefly(file, ['server', 'start-dev', '--help'], serverEnv(env), limitMs);
  if (help.kind === 'failed') return { kind: 'unusable', reason: help.reason };
  const missing = neededFlags.filter(flag => !help.stdout.includes(flag));
  if (missing.length > 0) {
    return {
      kind: 'unusable',
      reason: `${file} (${first}) is too old: start-dev has no ${missing.join(', ')}`,
    };
  }
  return { kind: 'usable', version: first.replace(/^temporal version /, '') };
}

/** The end of a program's output as one line, for an error message. */
export function lastLines(text: string, lines: number, characters: number): string {
  const kept = text.trim().split('\n').slice(-lines).join(' | ').trim();
  return kept.length > characters ? `…${kept.slice(-characters)}` : kept;
}
