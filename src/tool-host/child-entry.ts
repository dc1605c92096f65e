/** Starts one of our own entry files as a process with a bare environment, and waits for what it reports. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
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
    const timer = setTimeout(() => {
      killGroup(child);
      settle({ kind: 'silent' });
    }, options.timeoutMs);
    options.signal?.addEventListener('abort', onAbort, { once: true });
    report.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const end = text.indexOf('\n');
      if (end >= 0) settle({ kind: 'report', text: text.slice(0, end), pid: child.pid ?? 0 });
    });
    child.once('error', error => settle({ kind: 'ended', reason: error.message }));
    child.once('exit', (code, signal) => {
      // The report may still be in the pipe.
      setImmediate(() =>
        settle({ kind: 'ended', reason: code === null ? `killed by ${signal}` : `exit code ${code}` }),
      );
    });
  });
}

export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
