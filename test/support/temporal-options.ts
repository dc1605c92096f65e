import { homedir } from 'node:os';
import { defaultCacheDir } from '../../src/dev/temporal-cache.ts';
import type { FindTemporalOptions } from '../../src/dev/temporal-finder.ts';

/** Where tests take the server's binary from: as `holdfast up` does, so one build serves every clone of this user. */
export function findOptionsForTests(): FindTemporalOptions {
  return { env: process.env, cacheDir: defaultCacheDir(process.env, homedir()), output: process.stderr };
}
