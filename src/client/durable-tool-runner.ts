/**
 * The SDK's `client.beta.sessions.events.toolRunner`, durable: the same loop over a session's calls, served by a
 * worker in this process and by tool hosts that outlive it. It brings Temporal's native worker, which is loaded
 * only when it is used.
 */
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunOptions } from '../workflows/run-input.ts';
import { HoldfastError } from './asking.ts';
import type { SessionCall } from './session-call.ts';
import type { CallsOptions } from './session-handle.ts';
import { requireSessionId } from './sessions.ts';

/** What is taken of the SDK's client: any version of it will do. */
export interface ApiClient {
  readonly apiKey: string | null;
  readonly authToken: string | null;
  readonly baseURL: string;
}

export interface DurableToolRunnerOptions
  extends Pick<Partial<RunOptions>, 'maxIdleMs' | 'maxDurationMs' | 'maxParallel' | 'approvalDeadlineMs'>,
    CallsOptions {
  /**
   * The module with your tools, `new URL('./tools.ts', import.meta.url)` or an absolute path; it says `export default
   * { tools: [ … ] }`. The agent toolset (bash, read, write, edit, glob, grep) is there in any case.
   */
  readonly tools?: URL | string;
}

/**
 * Serves a session's calls until it ends or has been idle for `maxIdleMs` (60,000), and tells each, as the SDK's
 * runner does. Killed in the middle, it goes on where it stood when it is started again with the same session:
 * a tool that ran still runs or has its outcome in the journal, and is not started a second time.
 *
 * Needs a Temporal server: the one of `TEMPORAL_*`, else one of its own, in `HOLDFAST_STATE_DIR`. All workers of
 * one Temporal namespace must serve the same tools. Breaking out, or aborting the signal, stops nothing: the session
 * waits for whoever starts it next, and its running tools go on.
 *
 * @param client its key and address are the worker's.
 * @throws HoldfastError for options that cannot be served, and where the run fails.
 */
export async function* durableToolRunner(
  client: ApiClient,
  sessionId: string,
  options: DurableToolRunnerOptions = {},
): AsyncGenerator<SessionCall, void, undefined> {
  requireSessionId(sessionId);
  const { tools, maxIdleMs, maxDurationMs, maxParallel, approvalDeadlineMs, ...calls } = options;
  const limits = { maxIdleMs, maxDurationMs, maxParallel, approvalDeadlineMs };
  const settings = { ...credentialOf(client), baseURL: client.baseURL, toolsModule: modulePath(tools) };
  const { serveWith } = await import('./own-worker.ts');
  yield* serveWith(settings, sessionId, withoutUndefined(limits), calls);
}

function credentialOf({ apiKey, authToken }: ApiClient) {
  if (apiKey === null && authToken === null)
    throw new HoldfastError(
      'durableToolRunner needs a client with a plain `apiKey` or `authToken`: its worker makes requests of its own',
    );
  return { apiKey: apiKey ?? undefined, environmentKey: authToken ?? undefined };
}

/** A function of this process dies with it, in the middle of a call; what a module exports can be loaded by a tool host. */
function modulePath(tools: unknown): string | undefined {
  if (tools === undefined) return undefined;
  const path = tools instanceof URL || (typeof tools === 'string' && tools.startsWith('file:'));
  if (path) return fileURLToPath(tools);
  if (typeof tools === 'string' && isAbsolute(tools)) return tools;
  throw new HoldfastError(
    '`tools` must be a module: write `tools: new URL("./tools.ts", import.meta.url)` and, there, `export default ' +
      '{ tools: [ … ] }`; functions of this process would die with it in the middle of a call',
  );
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
