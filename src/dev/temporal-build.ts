import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Env, makerEnv } from './child-env.ts';
import { executablesOnPath, lastLines, runBriefly } from './temporal-binary.ts';
import type { MakeOutcome, TemporalModule } from './temporal-cache.ts';
import { type ProcessExit, spawnTethered, type TetheredProcess } from './tethered-process.ts';

export type GoOutcome =
  | { readonly kind: 'found'; readonly path: string; readonly version: string }
  | { readonly kind: 'none'; readonly reason: string };

/** The first `go` on PATH that is new enough by itself: GOTOOLCHAIN=local keeps it from fetching another one. */
export async function findGo(env: Env, atLeast: string, limitMs: number): Promise<GoOutcome> {
  const reasons: string[] = [];
  for (const path of executablesOnPath('go', env.PATH)) {
    const run = await runBriefly(path, ['version'], goEnv(env), limitMs);
    if (run.kind === 'failed') {
      reasons.push(run.reason);
      continue;
    }
    const version = /\bgo(\d+(?:\.\d+)*)/.exec(run.stdout)?.[1];
    if (version !== undefined && notOlder(version, atLeast)) return { kind: 'found', path, version };
    reasons.push(`${path} is Go ${version ?? 'of an unknown version'}, ${atLeast} or later is needed`);
  }
  return { kind: 'none', reason: reasons.length > 0 ? reasons.join('; ') : 'no `go` on PATH' };
}

function notOlder(version: string, atLeast: string): boolean {
  const [have, need] = [version, atLeast].map(text => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (have?.[i] ?? 0) - (need?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function goEnv(env: Env): Env {
  const { GOOS: _os, GOARCH: _arch, ...rest } = makerEnv(env);
  // A go.work above this package, or the user's cross-compilation, is about other code.
  return { ...rest, GOTOOLCHAIN: 'local', GOWORK: 'off', GO111MODULE: 'on' };
}

export interface BuildOptions {
  readonly module: TemporalModule;
  readonly go: string;
  readonly env: Env;
  /** Go's output; kept after a failure. */
  readonly logFile: string;
  readonly limitMs: number;
  readonly signal?: AbortSignal;
}

/** Builds the CLI into `scratch`, Go's own scratch files too. Nothing is written to the module's folder. */
export async function buildTemporal(scratch: string, options: BuildOptions): Promise<MakeOutcome> {
  const out = join(scratch, 'temporal');
  // Said here rather than left to the user's GOFLAGS, which may say otherwise. The rest is what temporal.md measured.
  const flags = ['-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags', '-s -w'];
  const log = await open(options.logFile, 'w');
  try {
    const build = await spawnTethered(
      options.go,
      ['build', ...flags, '-o', out, 'github.com/temporalio/cli/cmd/temporal'],
      {
        cwd: options.module.folder,
        env: { ...goEnv(options.env), GOTMPDIR: scratch },
        output: log.fd,
        orphanGraceSeconds: 0,
      },
    );
    const ended = await endOf(build, options.limitMs, options.signal);
    if (ended === 'late') return { kind: 'failed', reason: `not done after ${options.limitMs} ms, stopped` };
    if (ended.code === 0) return { kind: 'made', path: out };
    const said = lastLines(await readFile(options.logFile, 'utf8'), 3, 500);
    const how = ended.signal ?? `exit ${ended.code}`;
    return { kind: 'failed', reason: `go build: ${how}: ${said} (all of it in ${options.logFile})` };
  } finally {
    await log.close();
  }
}

/** How the process ended, or `late` when it was stopped at the limit. @throws the signal's reason once it is stopped. */
async function endOf(
  child: TetheredProcess,
  limitMs: number,
  signal?: AbortSignal,
): Promise<ProcessExit | 'late'> {
  const timer = new AbortController();
  const stopAt = signal ? AbortSignal.any([signal, timer.signal]) : timer.signal;
  const limit = sleep(limitMs, undefined, { signal: stopAt }).then(
    () => 'late' as const,
    () => 'late' as const,
  );
  const first = await Promise.race([child.exited, limit]);
  timer.abort();
  if (first === 'late') await child.stop(0);
  signal?.throwIfAborted();
  return first;
}
