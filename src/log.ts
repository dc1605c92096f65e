/**
 * Log lines on standard error, for people or as JSON (`HOLDFAST_LOG`): standard output carries results only. Each says
 * which session and call it is about, where it is about one; inputs and credentials are in none (I9).
 */
import { activityInfo } from '@temporalio/activity';
import { DefaultLogger, type LogEntry, type Logger, type LogMetadata } from '@temporalio/worker';
import { errorLine } from './error-text.ts';
import type { LogFormat } from './log-format.ts';
import { isReadAhead } from './workflows/read-ahead.ts';

export interface LogOptions {
  readonly format: LogFormat;
  /** Also what Temporal's SDK says of its own doings. */
  readonly verbose?: boolean | undefined;
  /** What is worth a line otherwise (INFO). */
  readonly least?: 'INFO' | 'WARN';
}

export function createLog({ format, verbose = false, least = 'INFO' }: LogOptions): DefaultLogger {
  // A log that cannot be written (a full disk, a closed pipe) must not end the worker.
  process.stderr.on('error', () => {});
  const lineOf = format === 'json' ? jsonLine : textLine;
  return new DefaultLogger(verbose ? 'DEBUG' : least, entry => {
    if (verbose || !isChatter(entry)) process.stderr.write(`${lineOf(entry)}\n`);
  });
}

/** A warning of what has no logger of its own: it tells which activity gave it, where one did. */
export function warnings(logger: Logger): (line: string) => void {
  return line => logger.warn(line, activityMeta());
}

function activityMeta(): LogMetadata {
  try {
    const { workflowExecution, activityId, activityType, attempt } = activityInfo();
    return { workflowId: workflowExecution?.workflowId, activityId, activityType, attempt };
  } catch {
    // Not an activity's doing.
    return {};
  }
}

/**
 * Warnings of the SDK that say what is meant to be: a worker without workflows; a listener whose run has ended; a
 * follower that left, or learnt of the end, while its question was on its way. So is a task that a worker fails because
 * it has read ahead.
 */
const MEANT = ['No workflows registered', 'Activity not found on completion', 'Query not found when'];

/** Of the SDK's own lines only warnings are worth reading. */
function isChatter({ level, message, meta }: LogEntry): boolean {
  if (meta?.sdkComponent === undefined || meta.sdkComponent === 'workflow') return false;
  if (level === 'INFO' || level === 'DEBUG') return true;
  return MEANT.some(start => message.startsWith(start)) || isReadAhead(`${meta.error} ${meta.failure}`);
}

/** Fields that every line of a Temporal worker carries and that tell people nothing. */
const NOISE = new Set([
  ...['namespace', 'sdkComponent', 'isLocal', 'taskToken', 'taskQueue', 'workflowType'],
  // A whole task, with the input of a call.
  'task',
]);

type Fields = Readonly<Record<string, unknown>>;

/** What the SDK calls its things, in our words: the workflow is the session's, and a call's activity has its id. */
export function fieldsOf({ message, meta = {} }: Pick<LogEntry, 'message' | 'meta'>): Fields {
  const { workflowId, activityId, activityType, runId, error, ...rest } = meta;
  // A notice's workflow is named after its session.
  const [session, notice] = typeof workflowId === 'string' ? workflowId.split('/') : [only(SESSION, message)];
  const call = activityType === 'runTool' ? activityId : only(CALL, message);
  const named = { session, call, notice, activity: activityType, run: runId };
  const kept = Object.entries({ ...named, ...rest }).filter(
    ([key, value]) => !NOISE.has(key) && value !== undefined && value !== '',
  );
  return {
    ...Object.fromEntries(kept),
    ...(error === undefined ? {} : { error: error instanceof Error ? reasonOf(error) : error }),
  };
}

const SESSION = /\bsesn_\w+/g;
const CALL = /\bsevt_\w+/g;

/** The id that a line names, where it names one. */
function only(pattern: RegExp, message: string): string | undefined {
  const found = new Set(message.match(pattern));
  return found.size === 1 ? [...found][0] : undefined;
}

/** What a failure of Temporal says of itself is of no use without its cause. */
function reasonOf(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `${errorLine(error)}: ${errorLine(cause)}` : errorLine(error);
}

function timeOf({ timestampNanos }: LogEntry): string {
  return new Date(Number(timestampNanos / 1_000_000n)).toISOString();
}

function jsonLine(entry: LogEntry): string {
  const line = { time: timeOf(entry), level: entry.level, message: entry.message, ...fieldsOf(entry) };
  return JSON.stringify(line, (_, part) => (typeof part === 'bigint' ? String(part) : part));
}

function textLine(entry: LogEntry): string {
  const { level, message } = entry;
  const fields = Object.entries(fieldsOf(entry))
    // People have read it in the message.
    .filter(([key, value]) => key !== 'run' && !message.includes(String(value)))
    .map(([key, value]) => `${key}=${shown(value)}`);
  return [timeOf(entry).slice(11, 23), level.padEnd(5), message, ...fields].join(' ');
}

function shown(value: unknown): string {
  if (typeof value === 'string') return /^[\w.:@/-]*$/.test(value) ? value : JSON.stringify(value);
  return (
    JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? String(value)
  );
}
