/** What a run was measured on. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import packageFile from '../package.json' with { type: 'json' };
import { PYTHON_SDK } from './peers/python.ts';
import type { Machine, Versions } from './record.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export function versions(): Versions {
  const commit = git('rev-parse', 'HEAD');
  return {
    holdfast: packageFile.version,
    commit,
    changed: commit === null ? null : git('status', '--porcelain') !== '',
    node: process.version,
    temporalSdk: packageFile.dependencies['@temporalio/worker'],
    anthropicSdk: packageFile.dependencies['@anthropic-ai/sdk'],
    pythonSdk: PYTHON_SDK,
  };
}

export function machine(): Machine {
  return {
    cpus: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    memoryMb: Math.round(totalmem() / 1_048_576),
    system: `${type()} ${release()}`,
    loadBefore: loadavg()[0] ?? 0,
  };
}

function git(...args: readonly string[]): string | null {
  try {
    return execFileSync('git', args, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}
