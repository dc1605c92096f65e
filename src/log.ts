/** Log lines for people, on standard error: standard output carries results only. */
import { DefaultLogger, type LogEntry } from '@temporalio/worker';

/**
 * @param verbose also what Temporal's SDK says of its own doings.
 * @param least what is worth a line otherwise.
 */
export function createLog(verbose = false, least: 'INFO' | 'WARN' = 'INFO'): DefaultLogger {
  // A log that cannot be written (a full disk, a closed pipe) must not end the worker.
  process.stderr.on('error', () => {});
  return new DefaultLogger(verbose ? 'DEBUG' : least, entry => {
    if (verbose || !isChatter(entry)) process.stderr.write(`${lineOf(entry)}\n`);
  });
}

/**
 * Warnings of the SDK that say what is meant to be: a worker without workflows; a listener whose run has ended; a
 * follower that left, or learnt of the end, while its question was on its way.
 */
const MEANT = ['No workflows registered', 'Activity not found on completion', 'Query not found when'];

/** Of the SDK's own lines only warnings are worth reading. */
function isChatter({ level, message, meta }: LogEntry): boolean {
  if (meta?.sdkComponent === undefined || meta.sdkComponent === 'workflow') return false;
  return level === 'INFO' || level === 'DEBUG' || MEANT.some(start => message.startsWith(start));
}

/** Fields that every line of a Temporal worker carries and that tell people nothing. */
const NOISE = new Set([
  'namespace',
  'sdkComponent',
  'isLocal',
  'taskToken',
  'runId',
  'taskQueue',
  'workflowType',
]);

function lineOf({ level, message, timestampNanos, meta }: LogEntry): string {
  const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString().slice(11, 23);
  const fields = Object.entries(meta ?? {})
    .filter(([key, value]) => !NOISE.has(key) && value !== undefined)
    .map(([key, value]) => `${key}=${shown(value)}`);
  return [time, level.padEnd(5), message, ...fields].join(' ');
}

function shown(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value === 'string') return /^[\w.:@/-]*$/.test(value) ? value : JSON.stringify(value);
  return (
    JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? String(value)
  );
}
