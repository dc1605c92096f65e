/** How a command fails: one line that says what was wrong and what to do, and the contract's exit code. */
import { ConfigError, environment } from '../config.ts';
import { WorkerError } from '../worker-error.ts';

/** 1: failed (API or Temporal unreachable, 401, internal) · 2: usage or not found. */
export class CliError extends Error {
  override name = 'CliError';
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof ConfigError || error instanceof RangeError) return 2;
  return error instanceof WorkerError && error.usage ? 2 : 1;
}

/** Commands whose standard error is a log. */
const LOGGING: readonly (string | undefined)[] = ['worker', 'up', 'webhook', 'codec-server'];

/** The line that a failed command ends with: whoever reads its log as JSON must be able to read that one, too. */
export function lastWords(command: string | undefined, message: string): string {
  if (!LOGGING.includes(command) || environment().HOLDFAST_LOG?.trim() !== 'json')
    return `holdfast: ${message}`;
  return JSON.stringify({ time: new Date().toISOString(), level: 'ERROR', message });
}
