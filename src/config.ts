/**
 * The only reader of the environment. Resolves once, at the start of a command; what comes out is complete and
 * frozen, and nothing downstream has a default of its own for it (design §9).
 */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import {
  apiAddress,
  type ClaimedItem,
  claimedItem,
  customHeaders,
  environmentId,
  headerKey,
  listenAddress,
  memoryDeletions,
  memorySyncMs,
  otlpEndpoint,
  perMinute,
  READS_PER_MINUTE,
} from './api-settings.ts';
import { type ConsoleSettings, consoleSettings } from './console-settings.ts';
import { defaultCacheDir } from './dev/temporal-cache.ts';
import { milliseconds } from './duration.ts';
import { type EncryptionTexts, encryption } from './encryption-settings.ts';
import { failpointProblem } from './failpoint.ts';
import { type LogFormat, logFormat } from './log-format.ts';
import { type NoticeSettings, noticeSettings } from './notice-settings.ts';
import { type TemporalSettings, temporalSettings } from './temporal-settings.ts';
import type { MountRequest } from './tool-host/mount-protocol.ts';
import type { Keep } from './tool-host/retention.ts';
import { type ToolUserSetting, toolCommand, toolEnv, toolUser } from './tool-settings.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface Config extends EncryptionTexts {
  readonly anthropic: {
    readonly apiKey: string | undefined;
    /** Address of the API. */
    readonly baseURL: string;
    /** Sent as Bearer, instead of the API key. */
    readonly environmentKey: string | undefined;
    /** Extra headers of every request, by name. */
    readonly headers: Readonly<Record<string, string>>;
    /** The environment whose work queue a worker serves. */
    readonly environmentId: string | undefined;
    /** What deliveries of the webhook are signed with. */
    readonly webhookKey: string | undefined;
  };
  /** The work item that `adopt` is told of, in the variables that `ant worker poll --on-work` sets. */
  readonly claimed: ClaimedItem;
  readonly temporal: TemporalSettings;
  /** Absolute path: workspaces, journals, the host's id. */
  readonly stateDir: string;
  /** Absolute path of the tools module. */
  readonly toolsModule: string | undefined;
  /** Whom tools run as, by name or number; undefined: the worker's own user. */
  readonly toolUser: ToolUserSetting | undefined;
  /** The whole environment of tools. */
  readonly toolEnv: Readonly<Record<string, string>>;
  /** Prefix of the command lines of bash and `exec` tools. */
  readonly toolCommand: readonly string[] | undefined;
  /** After how many ms without its host a session may be taken over; 0 never; undefined: as the command has it. */
  readonly hostLostMs: number | undefined;
  /** How long workspaces and journals are kept. */
  readonly keep: Keep;
  /** Milliseconds between two sweeps of the state folder; 0: only at a worker's start. */
  readonly sweepMs: number;
  /** A tool host that nobody has spoken to for so many ms ends itself. */
  readonly hostIdleMs: number;
  /** Tool hosts on this machine at a time. */
  readonly maxHosts: number;
  /** Calls of one session that may run at a time. */
  readonly maxParallel: number;
  /** A held call that nobody has decided about for so many ms is denied; 0: never. */
  readonly approvalDeadlineMs: number;
  /** Most requests of a kind a minute; Infinity: as many as the API takes. */
  readonly perMinute: { readonly read: number; readonly post: number };
  /** How log lines are written. */
  readonly log: LogFormat;
  /** What people on duty are told, and how. */
  readonly notices: NoticeSettings;
  readonly console: ConsoleSettings;
  /** Address (`127.0.0.1:9464`) where Prometheus may read metrics. */
  readonly metrics: string | undefined;
  /** Where spans are sent by OTLP over HTTP; undefined: nowhere. */
  readonly otlpEndpoint: string | undefined;
  /** A tool host that is silent for so many ms is killed and started again on its journal. */
  readonly hostHungMs: number;
  /** Memory stores of sessions that a work queue offers. */
  readonly memory: {
    readonly syncMs: MountRequest['memorySyncMs'];
    readonly deletions: MountRequest['memoryDeletions'];
  };
  /** Per-user cache of what was downloaded or built. */
  readonly cacheDir: string;
  /** Absolute path of the folder that arms failpoints (src/failpoint.ts); undefined: off. For tests only. */
  readonly failpoints: string | undefined;
  /** For programs that are started: the embedded server, Go. Holds secrets; never logged. */
  readonly env: Env;
}

/** A setting that cannot be used; the message names it and says what to do (exit code 2). */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

const API = 'https://api.anthropic.com';

/**
 * @param env the process's environment, unless a test brings its own; an empty value counts as unset.
 * @throws ConfigError
 */
export function readConfig(env: Env = process.env): Config {
  try {
    return settingsOf(env);
  } catch (error) {
    throw error instanceof RangeError ? new ConfigError(error.message) : error;
  }
}

/** For whoever looks at settings that cannot be used. */
export function environment(): Env {
  return process.env;
}

function settingsOf(env: Env): Config {
  const get = (name: string) => {
    const value = env[name]?.trim();
    return value === undefined || value === '' ? undefined : value;
  };
  const stateDir = get('HOLDFAST_STATE_DIR') ?? defaultStateDir(get);
  const module = get('HOLDFAST_TOOLS');
  return Object.freeze({
    anthropic: {
      apiKey: headerKey('ANTHROPIC_API_KEY', get('ANTHROPIC_API_KEY')),
      baseURL: apiAddress('ANTHROPIC_BASE_URL', get('ANTHROPIC_BASE_URL') ?? API),
      environmentKey: headerKey('ANTHROPIC_ENVIRONMENT_KEY', get('ANTHROPIC_ENVIRONMENT_KEY')),
      headers: customHeaders(get('ANTHROPIC_CUSTOM_HEADERS')),
      environmentId: environmentId(get('ANTHROPIC_ENVIRONMENT_ID')),
      webhookKey: get('ANTHROPIC_WEBHOOK_SIGNING_KEY'),
    },
    claimed: claimedItem(get),
    temporal: temporalSettings(env),
    stateDir: resolve(stateDir),
    toolsModule: module === undefined ? undefined : resolve(module),
    toolUser: toolUser(get('HOLDFAST_TOOL_USER')),
    toolEnv: toolEnv(get, env),
    toolCommand: toolCommand(get('HOLDFAST_TOOL_COMMAND')),
    hostLostMs: hostLost(get('HOLDFAST_HOST_LOST')),
    // Less, and a healthy host on a busy machine would be killed.
    hostHungMs: duration('HOLDFAST_HOST_HUNG', get('HOLDFAST_HOST_HUNG') ?? '60s', 2_000),
    keep: keep(get('HOLDFAST_KEEP') ?? DEFAULT_KEEP),
    sweepMs: duration('HOLDFAST_SWEEP', get('HOLDFAST_SWEEP') ?? '10m', 0),
    hostIdleMs: duration('HOLDFAST_HOST_IDLE', get('HOLDFAST_HOST_IDLE') ?? '1h', 1_000),
    maxHosts: count('HOLDFAST_MAX_HOSTS', get('HOLDFAST_MAX_HOSTS') ?? '64'),
    maxParallel: count('HOLDFAST_MAX_PARALLEL', get('HOLDFAST_MAX_PARALLEL') ?? '8'),
    approvalDeadlineMs: duration('HOLDFAST_APPROVAL_DEADLINE', get('HOLDFAST_APPROVAL_DEADLINE') ?? '0', 0),
    perMinute: {
      read: perMinute('HOLDFAST_READS_PER_MINUTE', get('HOLDFAST_READS_PER_MINUTE') ?? READS_PER_MINUTE),
      post: perMinute('HOLDFAST_POSTS_PER_MINUTE', get('HOLDFAST_POSTS_PER_MINUTE') ?? '0'),
    },
    log: logFormat(get('HOLDFAST_LOG')),
    notices: noticeSettings(get),
    console: consoleSettings(get),
    otlpEndpoint: otlpEndpoint(get('OTEL_EXPORTER_OTLP_ENDPOINT')),
    metrics: listenAddress('HOLDFAST_METRICS', get('HOLDFAST_METRICS')),
    memory: {
      syncMs: memorySyncMs('HOLDFAST_MEMORY_SYNC', get('HOLDFAST_MEMORY_SYNC') ?? '15s'),
      deletions: memoryDeletions('HOLDFAST_MEMORY_DELETIONS', get('HOLDFAST_MEMORY_DELETIONS')),
    },
    ...encryption(get),
    cacheDir: defaultCacheDir(env, homedir()),
    failpoints: failpoints(get('HOLDFAST_FAILPOINTS')),
    env,
  });
}

function defaultStateDir(get: (name: string) => string | undefined): string {
  const base = get('XDG_STATE_HOME');
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'holdfast');
}

function failpoints(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const folder = resolve(value);
  const problem = failpointProblem(folder);
  if (problem !== undefined) throw new ConfigError(`HOLDFAST_FAILPOINTS: ${problem}`);
  return folder;
}

const DEFAULT_KEEP = '14d';

function keep(text: string): Keep {
  switch (text) {
    case 'keep':
      return { afterMs: null, untilEnd: false, text };
    case 'end':
      return { afterMs: milliseconds('HOLDFAST_KEEP', DEFAULT_KEEP), untilEnd: true, text: DEFAULT_KEEP };
    default:
      if (!/^\d/.test(text))
        throw new ConfigError(
          `HOLDFAST_KEEP is ${text}: write keep, end or a duration such as ${DEFAULT_KEEP}`,
        );
      return { afterMs: duration('HOLDFAST_KEEP', text, 1_000), untilEnd: false, text };
  }
}

/** Of tool hosts, and of a session's calls: more is a slip of the hand. */
const MOST = 10_000;

function duration(name: string, text: string, least: number): number {
  const ms = milliseconds(name, text);
  if (ms < least) throw new ConfigError(`${name} is ${text}: write at least ${least / 1_000}s`);
  return ms;
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MOST)
    throw new ConfigError(`${name} is ${text}: write a whole number from 1 to ${MOST}`);
  return value;
}

/** A fifth of it must do for ending tools, the rest for several heartbeats. */
const SHORTEST_LOST_MS = 2_000;

function hostLost(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = duration('HOLDFAST_HOST_LOST', text, 0);
  if (ms !== 0 && ms < SHORTEST_LOST_MS)
    throw new ConfigError(`HOLDFAST_HOST_LOST is ${text}: write 0 (no takeover) or at least 2s`);
  return ms;
}
