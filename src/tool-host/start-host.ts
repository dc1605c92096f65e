/** Starts the process of a tool host and waits until it serves. */
import { closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { failpointFolder } from '../failpoint.ts';
import { startEntry } from './child-entry.ts';
import { compileCache } from './compile-cache.ts';
import { type HostConfig, type HostReady, hostEnvironment } from './host-config.ts';
import { openLog } from './host-log.ts';
import { makeWorkspace } from './tool-user.ts';

const LOG_TAIL = 2_000;

/** The host did not come to serve; the message holds the end of its log. Worth another try, unless the module is broken. */
export class HostStartError extends Error {
  override readonly name = 'HostStartError';
}

export async function startHost(
  config: HostConfig,
  options: { readonly startMs: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { workspace, hostLog } = config.paths;
  await makeWorkspace(config.paths, config.owner);
  const log = openLog(hostLog);
  try {
    const report = await startEntry({
      entry: 'main',
      env: { ...hostEnvironment(config.toolEnv, config.incarnation), ...compileCache() },
      cwd: workspace,
      config: { ...config, failpoints: failpointFolder() } satisfies HostConfig,
      output: log,
      timeoutMs: options.startMs,
      signal: options.signal,
    });
    const failure =
      report.kind === 'report' ? failureIn(report.text) : await whyNot(report, options.startMs, hostLog);
    if (failure !== undefined) throw new HostStartError(`the tool host did not start: ${failure}`);
  } finally {
    closeSync(log);
  }
}

function failureIn(report: string): string | undefined {
  const ready = JSON.parse(report) as HostReady;
  return ready.kind === 'failed' ? ready.message : undefined;
}

async function whyNot(
  report: { kind: 'ended'; reason: string } | { kind: 'silent' },
  startMs: number,
  hostLog: string,
): Promise<string> {
  const what = report.kind === 'silent' ? `it was not ready after ${startMs} ms` : report.reason;
  const said = (await readFile(hostLog, 'utf8').catch(() => '')).slice(-LOG_TAIL).trim();
  return said === '' ? what : `${what}; its log ends: ${said}`;
}
