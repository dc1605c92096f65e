/**
 * The only reader of the environment. Resolves once, at the start of a command; what comes out is complete and
 * frozen, and nothing downstream has a default of its own for it (design §9).
 */
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { defaultCacheDir } from './dev/temporal-cache.ts';
import { milliseconds } from './duration.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface Config {
  readonly anthropic: {
    readonly apiKey: string | undefined;
    /** Address of the API. */
    readonly baseURL: string;
    /** Sent as Bearer, instead of the API key. */
    readonly environmentKey: string | undefined;
  };
  readonly temporal: {
    /** Whether TEMPORAL_* or a profile named a server; else `up` and `demo` start their own. */
    readonly isGiven: boolean;
    readonly address: string;
    readonly namespace: string;
    readonly connection: NativeConnectionOptions;
  };
  /** Absolute path: workspaces, journals, the host's id. */
  readonly stateDir: string;
  /** Absolute path of the tools module. */
  readonly toolsModule: string | undefined;
  /** The whole environment of tools. */
  readonly toolEnv: Readonly<Record<string, string>>;
  /** Prefix of the command lines of bash and `exec` tools. */
  readonly toolCommand: readonly string[] | undefined;
  /** Per-user cache of what was downloaded or built. */
  readonly cacheDir: string;
  /** For programs that are started: the embedded server, Go. Holds secrets; never logged. */
  readonly env: Env;
}

/** A setting that cannot be used; the message names it and says what to do (exit code 2). */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** What tools see of the environment, beside `HOLDFAST_TOOL_ENV` (§4, Environment). */
const TOOL_ENV = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'];
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const API = 'https://api.anthropic.com';

/**
 * @param env the process's environment, unless a test brings its own; an empty value counts as unset.
 * @throws ConfigError
 */
export function readConfig(env: Env = process.env): Config {
  const get = (name: string) => {
    const value = env[name]?.trim();
    return value === undefined || value === '' ? undefined : value;
  };
  unsupported(get);
  const stateDir = get('HOLDFAST_STATE_DIR') ?? defaultStateDir(get);
  const module = get('HOLDFAST_TOOLS');
  return Object.freeze({
    anthropic: {
      apiKey: get('ANTHROPIC_API_KEY'),
      baseURL: url('ANTHROPIC_BASE_URL', get('ANTHROPIC_BASE_URL') ?? API),
      environmentKey: get('ANTHROPIC_ENVIRONMENT_KEY'),
    },
    temporal: temporal(env),
    stateDir: resolve(stateDir),
    toolsModule: module === undefined ? undefined : resolve(module),
    toolEnv: toolEnv(get, env),
    toolCommand: command(get('HOLDFAST_TOOL_COMMAND')),
    cacheDir: defaultCacheDir(env, homedir()),
    env,
  });
}

function defaultStateDir(get: (name: string) => string | undefined): string {
  const base = get('XDG_STATE_HOME');
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'holdfast');
}

/** All `TEMPORAL_*` variables and profiles, as Temporal's own tools read them. */
function temporal(env: Env): Config['temporal'] {
  try {
    const given = Object.fromEntries(Object.entries(env).flatMap(([k, v]) => (v ? [[k, v] as const] : [])));
    const profile = loadClientConfigProfile({ overrideEnvVars: given });
    const { connectionOptions, namespace } = toClientOptions(profile);
    return {
      isGiven: profile.address !== undefined,
      address: connectionOptions.address ?? '127.0.0.1:7233',
      namespace: namespace ?? 'default',
      connection: { ...connectionOptions, address: connectionOptions.address ?? '127.0.0.1:7233' },
    };
  } catch (error) {
    throw new ConfigError(`the TEMPORAL_* settings cannot be used: ${(error as Error).message}`);
  }
}

function toolEnv(get: (name: string) => string | undefined, env: Env): Record<string, string> {
  const asked = (get('HOLDFAST_TOOL_ENV') ?? '').split(',').map(name => name.trim());
  const secret = asked.find(name => /^(ANTHROPIC|TEMPORAL|HOLDFAST)_/i.test(name));
  if (secret !== undefined)
    throw new ConfigError(`HOLDFAST_TOOL_ENV must not name ${secret}: credentials never reach tools`);
  const values: Record<string, string> = { PATH: DEFAULT_PATH, HOME: homedir(), USER: userInfo().username };
  for (const name of [...TOOL_ENV, ...asked.filter(name => name !== '')]) {
    const value = env[name];
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** Words, or a JSON array where words hold spaces. */
function command(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  if (!text.startsWith('[')) return text.split(/\s+/);
  try {
    const words: unknown = JSON.parse(text);
    if (Array.isArray(words) && words.every(word => typeof word === 'string')) return words;
  } catch {
    // Said below.
  }
  throw new ConfigError('HOLDFAST_TOOL_COMMAND starts with "[" but is not a JSON array of strings');
}

function url(name: string, value: string): string {
  if (!URL.canParse(value) || !/^https?:/.test(value))
    throw new ConfigError(`${name} is not an http(s) address: ${value}`);
  return value;
}

/** A setting that would be ignored must not look as if it worked. */
function unsupported(get: (name: string) => string | undefined): void {
  if (get('HOLDFAST_TOOL_USER') !== undefined)
    throw new ConfigError('HOLDFAST_TOOL_USER is not available in this version; unset it');
  const lost = get('HOLDFAST_HOST_LOST');
  if (lost !== undefined && milliseconds('HOLDFAST_HOST_LOST', lost) !== 0)
    throw new ConfigError('HOLDFAST_HOST_LOST can only be 0 in this version: a session stays on its host');
}
