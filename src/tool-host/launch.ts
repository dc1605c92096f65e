/**
 * Opening and closing a session's tool host from a worker. Only `openWorkspace` makes a journal, and with it an incarnation: a
 * call that finds another one, or none, has lost its host and is never started anew (I4).
 */
import { attachTo, type OpenedWorkspace, opened, WORKER_STARTED_AT } from './attach-host.ts';
import { ToolHostClient } from './client.ts';
import { readJson, removeFile } from './durable-file.ts';
import { exclusively } from './exclusive.ts';
import type { HostRecord } from './host-config.ts';
import { killIncarnation } from './leftovers.ts';
import { DEFAULT_LIMITS, type HostLimits } from './limits.ts';
import { unmountMs } from './memory-rescue.ts';
import { hashOf } from './module-hash.ts';
import { checkStateDir, sessionPaths } from './paths.ts';
import type { CloseAnswer } from './protocol.ts';
import { END_MS, look, raise, waitUntilGone } from './raise-host.ts';
import { recordOwner } from './session-owner.ts';
import type { ToolsVersion } from './tool-set.ts';
import { isolationMark, ownerOf, type ToolUser } from './tool-user.ts';

export interface OpenOptions {
  /** Absolute path of the state folder; see `checkStateDir`. */
  readonly stateDir: string;
  readonly sessionId: string;
  /** The incarnation the session's history knows; absent on its first open. */
  readonly expected?: { readonly incarnation: string } | undefined;
  /** Absolute path of the user's tools module. */
  readonly toolsModule?: string | undefined;
  /** More of the version that is to be served; read at the call. */
  readonly served?: Pick<ToolsVersion, 'source' | 'mcpLists'> | undefined;
  /** The whole environment of tools, already allow-listed. ANTHROPIC_*, TEMPORAL_* and HOLDFAST_* never pass (I9). */
  readonly toolEnv: Readonly<Record<string, string>>;
  /** Prefix of the command lines of bash and `exec` tools, e.g. `['bwrap', …]`. */
  readonly toolCommand?: readonly string[] | undefined;
  /** Whom tools run as; absent: the worker's own user. */
  readonly toolUser?: ToolUser | undefined;
  readonly limits?: Partial<HostLimits> | undefined;
  /** After how many milliseconds without its host the session may be taken over by another. Default 0: never. */
  readonly hostLostMs?: number | undefined;
  /** Id of the Temporal namespace that the session's workflow runs in, for those who clean up. */
  readonly namespaceId?: string | undefined;
  /** A host silent on `GET /` for this long is killed and replaced. Default 60 000 ms. */
  readonly hungAfterMs?: number | undefined;
  /** How long a new host may take until it serves. Default 30 000 ms. */
  readonly startMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_HUNG_MS = 60_000;
const DEFAULT_START_MS = 30_000;
const DEFAULT_END_MS = 15_000;
/** What a second look under the lock gives a host that was silent for the first. */
const SECOND_LOOK_MS = 1_000;

/**
 * Attaches to the session's tool host, or brings one up: on its journal where that is the expected one, else as a new
 * incarnation. Rejects with an Error that says what to do (unusable state folder, broken tools module, host that does
 * not start), or with the signal's reason.
 */
export async function openWorkspace(options: OpenOptions): Promise<OpenedWorkspace> {
  const { stateDir, sessionId, toolsModule, toolUser, toolCommand = [], signal } = options;
  const { source, mcpLists } = options.served ?? {};
  const expected = options.expected?.incarnation;
  const paths = sessionPaths(stateDir, sessionId);
  const hungAfterMs = options.hungAfterMs ?? DEFAULT_HUNG_MS;
  const startMs = options.startMs ?? DEFAULT_START_MS;
  const owner = toolUser && ownerOf(toolUser, sessionId);
  const wanted = {
    moduleHash: await hashOf({ toolsModule, source }),
    isolation: isolationMark(owner, toolCommand),
  };

  const first = await look(paths, hungAfterMs, signal);
  const attached = attachTo(paths, expected, wanted, first);
  if (attached !== undefined) return attached;

  const check = await checkStateDir(stateDir);
  if (check.kind === 'unusable') throw new Error(check.message);
  const openAlone = async (): Promise<OpenedWorkspace> => {
    // Whoever held the lock before us may have done the work.
    const patience = first.kind === 'silent' ? Math.min(SECOND_LOOK_MS, hungAfterMs) : hungAfterMs;
    const found = await look(paths, patience, signal);
    const done = attachTo(paths, expected, wanted, found);
    if (done !== undefined) return done;
    await recordOwner(paths, { sessionId, namespaceId: options.namespaceId });
    await removeFile(paths.unused);
    const raised = await raise(
      {
        stateDir,
        sessionId,
        paths,
        expected,
        toolsModule,
        source,
        mcpLists,
        toolEnv: options.toolEnv,
        commandPrefix: toolCommand,
        owner,
        limits: { ...DEFAULT_LIMITS, ...options.limits },
        openerStartedAt: WORKER_STARTED_AT,
        hostLostMs: options.hostLostMs ?? 0,
        startMs,
        signal,
      },
      found,
    );
    const now = await look(paths, startMs, signal);
    if (now.kind !== 'alive')
      throw new Error(`the tool host ended right after its start; see ${paths.hostLog}`);
    return opened(paths, now.health, raised.how, raised.notes);
  };
  return exclusively(paths.folder, hungAfterMs + startMs, openAlone, signal);
}

export type CloseReport =
  | Extract<CloseAnswer, { kind: 'closed' | 'busy' | 'host-lost' }>
  /** No host lived, or it did not answer; what its incarnation had left behind was killed. */
  | {
      readonly kind: 'not-running';
      readonly killed: readonly string[];
      readonly survivors: readonly string[];
    };

export interface CloseOptions {
  readonly stateDir: string;
  readonly sessionId: string;
  readonly incarnation: string;
  /** false: a host with a running call answers `busy` and stays. */
  readonly killRunning: boolean;
  /** Milliseconds that running calls get before they are stopped; only with `killRunning`. */
  readonly graceMs: number;
  /** Milliseconds for close hooks and killing, over the grace and a last sync of memory stores; then the host is killed. Default 15 000. */
  readonly endMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Ends the host, its close hooks run once, nothing of it left alive. May be repeated. */
export async function closeWorkspace(options: CloseOptions): Promise<CloseReport> {
  const { incarnation, killRunning, graceMs, signal } = options;
  const paths = sessionPaths(options.stateDir, options.sessionId);
  const record = await readJson<HostRecord>(paths.hostRecord);
  const patience = AbortSignal.timeout(
    graceMs + (options.endMs ?? DEFAULT_END_MS) + unmountMs(paths.journal),
  );
  const client = new ToolHostClient({ socketPath: paths.socket, incarnation });
  let answer: CloseAnswer;
  try {
    const either = signal === undefined ? patience : AbortSignal.any([patience, signal]);
    answer = await client.close({ graceMs, killRunning }, either);
  } catch (error) {
    if (!patience.aborted) throw error;
    answer = { kind: 'no-host', reason: 'it did not answer' };
  } finally {
    client.destroy();
  }
  if (answer.kind === 'busy' || answer.kind === 'host-lost') return answer;
  if (record?.incarnation === incarnation && answer.kind === 'closed') await waitUntilGone(record, END_MS);
  const { killed, survivors } = await killIncarnation(paths, incarnation, DEFAULT_LIMITS.killMs);
  if (answer.kind === 'closed') {
    return { ...answer, killed: [...answer.killed, ...killed], survivors };
  }
  return { kind: 'not-running', killed, survivors };
}
