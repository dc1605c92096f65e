/** Starts one of our own entry files as a process with a bare environment, and waits for what it reports. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { killGroup } from '../kill-group.ts';
import { REPORT_FD } from './host-config.ts';
import type { Owner } from './tool-user.ts';

export interface ChildEntry {
  /** File name without extension: sources run from `.ts`, a build from `.js`. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Written to its standard input as JSON. */
  readonly config: unknown;
  /** File descriptor, or 'ignore', for its standard output and error. */
  readonly output: number | 'ignore';
  /** Whom it runs as; then `env` must hold nothing of the user's, since it begins as root. */
  readonly owner?: Owner | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export type ChildReport =
  | { readonly kind: 'report'; readonly text: string; readonly pid: number }
  | { readonly kind: 'ended'; readonly reason: string }
  | { readonly kind: 'silent' };

/** How long the report of an ended process is read on. */
const DRAIN_MS = 500;

/** Begins a line that is no report yet: it gives the process so many milliseconds more from now on. */
export const EXTEND = '+';

/**
 * Resolves with the first line of the report. A process that is silent for `timeoutMs` is killed with its group.
 * It leads its own session, so that no signal to the worker's terminal reaches it.
 */
export function startEntry(options: ChildEntry): Promise<ChildReport & { readonly child: ChildProcess }> {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const { owner, entry } = options;
  const file = (name: string) => new URL(`./${name}${extension}`, import.meta.url).pathname;
  const program =
    owner === undefined ? [file(entry)] : [file('as-tool-user'), String(owner.uid), String(owner.gid), entry];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...program], {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: ['pipe', options.output, options.output, 'pipe'],
    detached: true,
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(JSON.stringify(options.config));
  const report = child.stdio[REPORT_FD] as Readable;
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (result: ChildReport): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      report.destroy();
      child.unref();
      resolve({ ...result, child });
    };
    const onAbort = (): void => {
      killGroup(child);
      reject(options.signal?.reason);
      settle({ kind: 'silent' });
    };
    const onSilence = (): void => {
      killGroup(child);
      settle({ kind: 'silent' });
    };
    let timer = setTimeout(onSilence, options.timeoutMs);
    options.signal?.addEventListener('abort', onAbort, { once: true });
    report.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        if (!line.startsWith(EXTEND)) return settle({ kind: 'report', text: line, pid: child.pid ?? 0 });
        clearTimeout(timer);
        timer = setTimeout(onSilence, Number(line.slice(EXTEND.length)));
      }
    });
    child.once('error', error => settle({ kind: 'ended', reason: error.message }));
    child.once('exit', (code, signal) => {
      const reason = code === null ? `killed by ${signal}` : `exit code ${code}`;
      // The report may still be in the pipe, which a process that it left behind may hold open.
      const onDrained = (): void => settle({ kind: 'ended', reason });
      if (report.closed) return onDrained();
      report.once('close', onDrained);
      setTimeout(onDrained, DRAIN_MS).unref();
    });
  });
}
