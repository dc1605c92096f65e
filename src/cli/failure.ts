/** How a command fails: one line that says what was wrong and what to do, and the contract's exit code. */
import { ConfigError } from '../config.ts';
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
