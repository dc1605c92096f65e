import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Env } from './child-env.ts';
import { probeBinary } from './temporal-binary.ts';

/** The Go module in tools/temporal: what is built is named by its two files and by nothing else. */
export interface TemporalModule {
  readonly folder: string;
  /** Of github.com/temporalio/cli, without the `v`. */
  readonly cliVersion: string;
  /** The oldest Go that builds it, such as `1.26.4`. */
  readonly goVersion: string;
  /** SHA-256 over go.sum and go.mod, the first 12 hex digits. */
  readonly checksum: string;
}

export const bundledModule = fileURLToPath(new URL('../../tools/temporal', import.meta.url));

/** @throws Error when the folder is not that module. */
export function readModule(folder: string): TemporalModule {
  const mod = readFileSync(join(folder, 'go.mod'), 'utf8');
  const sum = readFileSync(join(folder, 'go.sum'));
  const cliVersion = /^require github\.com\/temporalio\/cli v(\S+)$/m.exec(mod)?.[1];
  const goVersion = /^go (\S+)$/m.exec(mod)?.[1];
  if (cliVersion === undefined || goVersion === undefined) {
    throw new Error(`${join(folder, 'go.mod')} names no version of Go and github.com/temporalio/cli`);
  }
  const checksum = createHash('sha256').update(sum).update(mod).digest('hex').slice(0, 12);
  return { folder, cliVersion, goVersion, checksum };
}

const machine = `${process.platform}-${process.arch}`;

/** Folder of the server built from `module`; the file in it is `temporal`. */
export function builtEntry(cacheDir: string, module: TemporalModule): string {
  return join(cacheDir, 'temporal', `${module.cliVersion}-${machine}-${module.checksum}`);
}

/** Folder of the official download that belongs to the installed Temporal SDK. */
export function downloadedEntry(cacheDir: string): string {
  const { version } = createRequire(import.meta.url)('@temporalio/testing/package.json') as {
    version: string;
  };
  return join(cacheDir, 'temporal', `official-${version}-${machine}`);
}

/**
 * The per-user cache: `$XDG_CACHE_HOME/holdfast`, else `~/.cache/holdfast`, on macOS `~/Library/Caches/holdfast`.
 * An empty variable counts as unset, as the XDG base directory specification has it.
 */
export function defaultCacheDir(
  env: Env,
  home: string,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'holdfast');
  return platform === 'darwin'
    ? join(home, 'Library', 'Caches', 'holdfast')
    : join(home, '.cache', 'holdfast');
}

/** `made`: the path of a complete file below the folder that was handed to the maker. */
export type MakeOutcome =
  | { readonly kind: 'made'; readonly path: string }
  | { readonly kind: 'failed'; readonly reason: string };

export type InstallOutcome =
  | { readonly kind: 'installed'; readonly path: string; readonly version: string }
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Lets `make` produce the binary in a scratch folder of the entry, sees it run, and only then gives it its name: a
 * file called `temporal` is always whole. The caller holds the cache's lock, so any other scratch folder is what an
 * interrupted attempt left, and is removed.
 */
export async function install(
  entry: string,
  make: (scratch: string) => Promise<MakeOutcome>,
  env: Env,
  probeLimitMs: number,
): Promise<InstallOutcome> {
  await mkdir(entry, { recursive: true });
  await removeScratch(entry);
  const scratch = join(entry, `making-${randomUUID()}`);
  await mkdir(scratch);
  try {
    const made = await make(scratch);
    if (made.kind === 'failed') return made;
    const probe = await probeBinary(made.path, env, probeLimitMs);
    if (probe.kind === 'unusable') return { kind: 'failed', reason: probe.reason };
    const path = join(entry, 'temporal');
    await rename(made.path, path);
    return { kind: 'installed', path, version: probe.version };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function removeScratch(entry: string): Promise<void> {
  for (const name of await readdir(entry)) {
    if (name.startsWith('making-')) await rm(join(entry, name), { recursive: true, force: true });
  }
}
