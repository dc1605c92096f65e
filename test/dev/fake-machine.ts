/** A machine for the finder with nothing on it but what a test puts there. */
import { join } from 'node:path';
import { builtEntry, bundledModule, readModule } from '../../src/dev/temporal-cache.ts';
import type { FindOutcome, FindTemporalOptions } from '../../src/dev/temporal-finder.ts';
import type { Fakes } from './fake-programs.ts';

/** Where a build is cached on that machine. */
export const cacheEntry = (fakes: Fakes) =>
  builtEntry(join(fakes.folder, 'cache'), readModule(bundledModule));

/** Its PATH is `bin`; nothing is downloaded unless a test says otherwise. */
export function machine(fakes: Fakes, more: Partial<FindTemporalOptions> = {}): FindTemporalOptions {
  return {
    env: { PATH: join(fakes.folder, 'bin'), HOME: fakes.folder },
    cacheDir: join(fakes.folder, 'cache'),
    download: false,
    ...more,
  };
}

/** The lines of the error, or what was found instead. */
export const reasons = (outcome: FindOutcome): string[] =>
  outcome.kind === 'none' ? outcome.tried.map(({ way, reason }) => `${way}: ${reason}`) : [outcome.kind];
