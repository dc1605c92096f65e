/**
 * What worker and tool host say to each other: HTTP over a Unix socket, JSON bodies. Every request carries the
 * incarnation it means; a host of another one, or one without its journal, answers `host-lost` and touches
 * nothing. All times are Unix milliseconds of the host.
 *
 *   PUT    /calls/:id               start or attach      CallRequest   → CallAnswer
 *   GET    /calls/:id/log?from=N    output so far        –             → bytes (LogAnswer in the client)
 *   GET    /calls/:id/outcome       the durable outcome  –             → OutcomeAnswer (?full=1: `stored` too is whole)
 *   DELETE /calls/:id               stop                 StopRequest   → StopAnswer, after everything is dead
 *   GET    /                        health               –             → Health
 *   POST   /mount                   skills and memory    MountRequest  → MountAnswer
 *   POST   /tools                  another version      ToolsVersion  → ReloadAnswer, when new calls run it
 *   POST   /close                   end the host         CloseRequest  → CloseAnswer
 */
import type { ToolUseType } from '../session/answers.ts';
import type { ToolOutcome } from '../session/outcome.ts';
import type { ServedTool } from '../session/served-tool.ts';

/** Raised when an old host cannot serve a new worker's requests. */
export const PROTOCOL_VERSION = 2;

/** The header that carries the incarnation of every request. */
export const INCARNATION_HEADER = 'holdfast-incarnation';

/** The journal of that incarnation is not here: its calls' fate is unknown, nothing was touched. */
export interface HostLost {
  readonly kind: 'host-lost';
  readonly reason: string;
}

/** Nobody answers on the socket, or the host is ending: `openWorkspace` brings one back. */
export interface NoHost {
  readonly kind: 'no-host';
  readonly reason: string;
  /** Nobody listened: the request has reached nobody. */
  readonly unsent?: true;
}

export interface CallRequest {
  readonly name: string;
  readonly input: unknown;
  /** Told to the tool as `context.toolUse.type`. Without it a built-in's is `agent.tool_use`, a custom tool's not. */
  readonly type?: ToolUseType;
  /** Milliseconds the tool may run; counted by the host from the start. */
  readonly timeoutMs: number;
  /** Whether the call may be started again when its end is unknown (I4), at most 3 starts in all. */
  readonly idempotent: boolean;
  /** Milliseconds to wait for the outcome before `running` is answered, so that the caller can heartbeat. */
  readonly waitMs: number;
  /** When Temporal accepted the caller's last heartbeat (`bootTime`); asked for by a host that may be taken over. */
  readonly acceptedAt?: number;
}

export type CallAnswer =
  | { readonly kind: 'outcome'; readonly outcome: ToolOutcome }
  | { readonly kind: 'running'; readonly startedAt: number; readonly outputBytes: number }
  /** The host serves no tool of that name; nothing was recorded. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** `acceptedAt` is too old: another host may have the session by now. Nothing was started. */
  | { readonly kind: 'stale'; readonly reason: string }
  | HostLost
  | NoHost;

export interface StopRequest {
  readonly reason: string;
}

export type StopAnswer =
  /** It ran and was stopped; its processes are dead or listed in the outcome's evidence. */
  | { readonly kind: 'stopped'; readonly outcome: ToolOutcome }
  | { readonly kind: 'already-ended'; readonly outcome: ToolOutcome }
  /** It never started, and now never will: a later PUT answers this outcome. */
  | { readonly kind: 'not-started'; readonly outcome: ToolOutcome }
  | HostLost
  | NoHost;

export type OutcomeAnswer =
  | { readonly kind: 'outcome'; readonly outcome: ToolOutcome }
  /** No such call, or it still runs. */
  | { readonly kind: 'none' }
  | HostLost
  | NoHost;

export type LogAnswer =
  /** `bytes` is what stands in the log from `from` on, `nextFrom` the offset to ask for next. */
  { readonly kind: 'log'; readonly bytes: Uint8Array; readonly nextFrom: number } | HostLost | NoHost;

export interface RunningCall {
  readonly id: string;
  readonly name: string;
  readonly startedAt: number;
  readonly outputBytes: number;
}

export interface Health {
  readonly kind: 'health';
  readonly incarnation: string;
  readonly pid: number;
  readonly tools: readonly ServedTool[];
  /** sha256 of the tools module and its relative imports; empty without a module. */
  readonly moduleHash: string;
  readonly protocolVersion: number;
  readonly running: readonly RunningCall[];
  readonly closing: boolean;
  /** When the worker process that started this host started: a later worker may replace it, an earlier may not. */
  readonly openerStartedAt: number;
  /** `isolationMark` of how it runs tools; absent where it was started by an older version. */
  readonly isolation?: string;
  /** After how many milliseconds without this host its session may be taken over; 0 never. */
  readonly hostLostMs: number;
  /** When somebody last asked for more than health; until then, when the host started. */
  readonly spokenAt: number;
  /** Milliseconds since then, by a clock that does not jump; 0 while somebody waits for an answer. */
  readonly quietMs: number;
}

export type ReloadAnswer =
  | { readonly kind: 'reloaded'; readonly tools: readonly ServedTool[]; readonly moduleHash: string }
  /** The version cannot be used; the one before stays. */
  | { readonly kind: 'broken'; readonly message: string };

export interface CloseRequest {
  /** Milliseconds that running calls get before they are stopped; only with `killRunning`. */
  readonly graceMs: number;
  /** false: a host with a running call answers `busy` and stays. */
  readonly killRunning: boolean;
}

export type CloseAnswer =
  | {
      readonly kind: 'closed';
      /** Ids of the calls that were stopped for it. */
      readonly stoppedCalls: readonly string[];
      /** Processes that were killed, as `pid command`. */
      readonly killed: readonly string[];
      /** Processes that could not be killed, as `pid command`. */
      readonly survivors: readonly string[];
      /** Close hooks that threw or took too long, as `tool: why`. */
      readonly hookFailures: readonly string[];
      /** What of the memory stores' last sync went wrong. Absent from hosts of an earlier version. */
      readonly mountFailures?: readonly string[];
    }
  | { readonly kind: 'busy'; readonly running: readonly RunningCall[] }
  | HostLost
  | NoHost;
