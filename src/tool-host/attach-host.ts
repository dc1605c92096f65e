/** Whether a host that lives is the one a worker wants, and what `openWorkspace` answers of it. */
import type { ServedTool } from '../session/served-tool.ts';
import { readIncarnation } from './journal.ts';
import type { SessionPaths } from './paths.ts';
import { type Health, PROTOCOL_VERSION } from './protocol.ts';
import { type Found, lostNote } from './raise-host.ts';

export interface OpenedWorkspace {
  readonly kind: 'opened';
  readonly incarnation: string;
  readonly socketPath: string;
  readonly hostPid: number;
  /** Absolute path of the session's working directory. */
  readonly workspace: string;
  readonly tools: readonly ServedTool[];
  /** sha256 of the tools module the host has loaded; empty without a module. */
  readonly moduleHash: string;
  readonly protocolVersion: number;
  /** After how many milliseconds without this host its session may be taken over; 0 never. */
  readonly hostLostMs: number;
  /**
   * `attached`: it lived · `started`: journal there, its host had ended in order · `restarted`: a dead, hung or
   * outdated host was cleared away first · `new`: a new incarnation.
   */
  readonly how: 'attached' | 'started' | 'restarted' | 'new';
  /** For the session's record: what was killed, lost or left, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * When this worker process started: it replaces no host that a later one has started. Milliseconds of the
 * machine's monotonic clock, which all processes share and nobody can set.
 */
export const WORKER_STARTED_AT = Math.round(Number(process.hrtime.bigint()) / 1e6 - performance.now());

const OLD_NOTE = 'The tool host is of an older version; it is replaced when no call runs.';
const UNISOLATED_NOTE =
  'The tool host was started with another HOLDFAST_TOOL_USER or HOLDFAST_TOOL_COMMAND, which its calls keep; it is ' +
  'replaced when no call runs.';

/** How a host of the present settings runs tools. */
export interface Wanted {
  readonly moduleHash: string;
  /** `isolationMark`. */
  readonly isolation: string;
}

/** The live host, if it is the one to attach to: of the right incarnation, and not for us to replace. */
export function attachTo(
  paths: SessionPaths,
  expected: string | undefined,
  wanted: Wanted,
  found: Found,
): OpenedWorkspace | undefined {
  if (found.kind !== 'alive' || found.health.closing) return undefined;
  const { health } = found;
  const record = readIncarnation(paths.journal);
  if (record?.incarnation !== health.incarnation) return undefined;
  const isExpected = expected === undefined || expected === health.incarnation;
  // An earlier attempt of this very open has made it, and its answer was lost.
  const isReplacement = expected !== undefined && record.replaces === expected;
  if (!isExpected && !isReplacement) return undefined;
  const isIsolated = (health.isolation ?? '') === wanted.isolation;
  const isOld = health.moduleHash !== wanted.moduleHash || health.protocolVersion !== PROTOCOL_VERSION;
  const differs = isOld || !isIsolated;
  const outdated = differs && health.openerStartedAt <= WORKER_STARTED_AT;
  if (outdated && health.running.length === 0) return undefined;
  const notes = outdated ? [isIsolated ? OLD_NOTE : UNISOLATED_NOTE] : [];
  return isExpected
    ? opened(paths, health, 'attached', notes)
    : opened(paths, health, 'new', [...notes, lostNote(expected)]);
}

export function opened(
  paths: SessionPaths,
  health: Health,
  how: OpenedWorkspace['how'],
  notes: readonly string[],
): OpenedWorkspace {
  const { incarnation, pid, tools, moduleHash, protocolVersion, hostLostMs = 0 } = health;
  return {
    kind: 'opened',
    incarnation,
    socketPath: paths.socket,
    hostPid: pid,
    workspace: paths.workspace,
    tools,
    moduleHash,
    protocolVersion,
    hostLostMs,
    how,
    notes,
  };
}
