/** The limits of a run that the settings of whoever starts it decide. */
import type { Config } from './config.ts';
import type { RunOptions } from './workflows/run-input.ts';

/** What is not set is left out: a run that is joined keeps its own then. */
export function runOptionsOf(config: Config): Partial<RunOptions> {
  const { maxParallel, approvalDeadlineMs, notices } = config;
  const { stuckAfterMs } = notices;
  return { maxParallel, stuckAfterMs, ...(approvalDeadlineMs === 0 ? {} : { approvalDeadlineMs }) };
}
