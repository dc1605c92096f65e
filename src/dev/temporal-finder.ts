/**
 * Where a Temporal server comes from, in this order: one that runs already · `temporal` on PATH · our per-user cache ·
 * the official download · a build with Go. The first that works is taken; why each other was not is kept for the one
 * error that is shown when none is.
 */
import { join } from 'node:path';
import type { Env } from './child-env.ts';
import { acquireLock } from './file-lock.ts';
import { elapsed, type Progress, type ProgressOutput, startProgress } from './progress.ts';
import { executablesOnPath, isExecutable, probeBinary } from './temporal-binary.ts';
import { buildTemporal, findGo } from './temporal-build.ts';
import { builtEntry, bundledModule, downloadedEntry, install, readModule } from './temporal-cache.ts';
import { downloadTemporal } from './temporal-download.ts';
import { TemporalServerError } from './temporal-server-error.ts';

const BUILDING =
  'Building the Temporal server once: about 4 minutes of two free cores. A `temporal` on PATH needs none of it; ' +
  'Ctrl-C loses nothing that is compiled…';

export interface FindTemporalOptions {
  /** The caller's environment: PATH to search, proxies and caches for the makers. */
  readonly env: Env;
  /** See `defaultCacheDir`; ours is the folder `temporal` in it. */
  readonly cacheDir: string;
  /** A server that runs already, as TEMPORAL_* or a profile name it: then nothing is searched or started. */
  readonly external?: { readonly address: string; readonly namespace?: string } | undefined;
  /** Default true. */
  readonly download?: boolean;
  /** Default true. */
  readonly build?: boolean;
  /** Progress goes here, normally `process.stderr`; absent: silent. */
  readonly output?: ProgressOutput;
  readonly signal?: AbortSignal;
  /** Limits in ms. */
  readonly limits?: Partial<FindLimits>;
  /** The Go module and the download program: ours unless a test brings others. */
  readonly module?: string;
  readonly downloadProgram?: string;
}

export interface FindLimits {
  /** One run of a program that should answer at once. */
  readonly probe: number;
  readonly downloadStall: number;
  readonly download: number;
  readonly build: number;
  /** Waiting for another process that downloads or builds. */
  readonly wait: number;
}

const defaultLimits: FindLimits = {
  probe: 15_000,
  downloadStall: 20_000,
  download: 300_000,
  build: 1_200_000,
  wait: 1_500_000,
};

export type TemporalSource =
  | { readonly kind: 'external'; readonly address: string; readonly namespace?: string }
  | {
      readonly kind: 'binary';
      readonly origin: 'path' | 'cache' | 'download' | 'build';
      readonly path: string;
      readonly version: string;
    };

/** One way that was tried, and why it gave nothing. */
export interface Attempt {
  readonly way: string;
  readonly reason: string;
}

export type FindOutcome = TemporalSource | { readonly kind: 'none'; readonly tried: readonly Attempt[] };

/** @throws the signal's reason when it is aborted; everything else that goes wrong is an `Attempt`. */
export async function findTemporal(options: FindTemporalOptions): Promise<FindOutcome> {
  const { env, external } = options;
  if (external) return { kind: 'external', ...external };
  const limits = { ...defaultLimits, ...options.limits };
  const tried: Attempt[] = [{ way: 'a running server', reason: 'TEMPORAL_ADDRESS is not set' }];
  const onPath = executablesOnPath('temporal', env.PATH);
  if (onPath.length === 0) tried.push({ way: 'temporal on PATH', reason: 'there is none' });
  for (const path of onPath) {
    const probe = await probeBinary(path, env, limits.probe);
    if (probe.kind === 'usable') return { kind: 'binary', origin: 'path', path, version: probe.version };
    tried.push({ way: 'temporal on PATH', reason: probe.reason });
  }
  const progress = startProgress(options.output ?? { write: () => {} });
  try {
    return await fromCacheOrMade(options, limits, tried, progress);
  } catch (error) {
    options.signal?.throwIfAborted();
    // An unwritable cache folder, a full disk: named by the system's message, and no reason for a stack trace.
    tried.push({ way: `cache ${options.cacheDir}`, reason: (error as Error).message });
    return { kind: 'none', tried };
  } finally {
    progress.end();
  }
}

async function fromCacheOrMade(
  options: FindTemporalOptions,
  limits: FindLimits,
  tried: Attempt[],
  progress: Progress,
): Promise<FindOutcome> {
  const { env, cacheDir, signal } = options;
  const aborted = signal ? { signal } : {};
  const module = readModule(options.module ?? bundledModule);
  const built = builtEntry(cacheDir, module);
  const downloaded = downloadedEntry(cacheDir);

  const cached = async (): Promise<{ found?: TemporalSource; reason: string }> => {
    const reasons: string[] = [];
    for (const path of [built, downloaded].map(entry => join(entry, 'temporal')).filter(isExecutable)) {
      const probe = await probeBinary(path, env, limits.probe);
      if (probe.kind === 'usable') {
        return { found: { kind: 'binary', origin: 'cache', path, version: probe.version }, reason: '' };
      }
      reasons.push(probe.reason);
    }
    return { reason: reasons.length > 0 ? reasons.join('; ') : 'holds none' };
  };

  const before = await cached();
  if (before.found) return before.found;
  const lock = await acquireLock(join(cacheDir, 'temporal', 'lock'), {
    limitMs: limits.wait,
    ...aborted,
    onWait: holder =>
      progress.say(`Waiting for process ${holder.pid}, which downloads or builds the Temporal server…`),
  });
  if (lock.kind === 'busy') {
    const since = elapsed(Date.now() - lock.holder.since);
    const reason = `process ${lock.holder.pid} has been downloading or building the Temporal server for ${since}`;
    return { kind: 'none', tried: [...tried, { way: `cache ${cacheDir}`, reason }] };
  }
  try {
    const after = await cached();
    if (after.found) return after.found;
    tried.push({ way: `cache ${cacheDir}`, reason: after.reason });

    if (options.download === false) tried.push({ way: 'official download', reason: 'switched off' });
    else {
      progress.say('Downloading the Temporal server once…');
      const got = await install(
        downloaded,
        scratch =>
          downloadTemporal(scratch, {
            env,
            ...aborted,
            stallMs: limits.downloadStall,
            limitMs: limits.download,
            logFile: join(downloaded, 'download.log'),
            ...(options.downloadProgram === undefined ? {} : { program: options.downloadProgram }),
          }),
        env,
        limits.probe,
      );
      if (got.kind === 'installed') return { ...got, kind: 'binary', origin: 'download' };
      tried.push({ way: 'official download', reason: got.reason });
    }

    const way = `build with Go (${module.folder})`;
    if (options.build === false) return { kind: 'none', tried: [...tried, { way, reason: 'switched off' }] };
    const go = await findGo(env, module.goVersion, limits.probe);
    if (go.kind === 'none') return { kind: 'none', tried: [...tried, { way, reason: go.reason }] };
    progress.say(BUILDING);
    const logFile = join(built, 'build.log');
    const made = await install(
      built,
      scratch =>
        buildTemporal(scratch, { module, go: go.path, env, logFile, limitMs: limits.build, ...aborted }),
      env,
      limits.probe,
    );
    if (made.kind === 'installed') return { ...made, kind: 'binary', origin: 'build' };
    return { kind: 'none', tried: [...tried, { way, reason: made.reason }] };
  } finally {
    await lock.lock.release();
  }
}

/** The one error for a machine on which no server can be had. */
export function temporalUnavailable(tried: readonly Attempt[]): TemporalServerError {
  const lines = tried.map(({ way, reason }) => `  - ${way}: ${reason}`);
  const message = `No Temporal server can be had. Tried:
${lines.join('\n')}
Provide one in any of these ways:
  - set TEMPORAL_ADDRESS to a server that runs,
  - install the temporal CLI, so that \`temporal\` is on PATH,
  - install Go ${readModule(bundledModule).goVersion} or later: the server is then built once.`;
  return new TemporalServerError('unavailable', message);
}
