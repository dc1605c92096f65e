/**
 * What a worker hands to a new tool host, on its standard input: an environment may hold what the user lets tools
 * see, and neither a command line nor a file is the place for it (I9). And what the host says back.
 */
import type { HostLimits } from './limits.ts';
import type { SessionPaths } from './paths.ts';
import type { ProcessIdentity } from './processes.ts';
import type { ToolsVersion } from './tool-set.ts';
import type { Owner } from './tool-user.ts';

export interface HostConfig extends ToolsVersion {
  readonly sessionId: string;
  readonly incarnation: string;
  readonly paths: SessionPaths;
  readonly toolEnv: Readonly<Record<string, string>>;
  /** `{workspace}` stands for the session's. */
  readonly commandPrefix: readonly string[];
  /** Whom tools run as; absent: the user of the host. */
  readonly owner?: Owner | undefined;
  readonly limits: HostLimits;
  readonly openerStartedAt: number;
  /** The folder of failpoints, where they are on. */
  readonly failpoints?: string | undefined;
  /** After how many milliseconds without this host its session may be taken over; 0 never. */
  readonly hostLostMs: number;
}

/** One line on file descriptor 3 of the new host. */
export type HostReady = { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly message: string };

/** The file descriptor that a started process reports on; its standard output belongs to user code. */
export const REPORT_FD = 3;

/** `host.json`: the process that serves a session. It is removed by a host that ends in order. */
export interface HostRecord extends ProcessIdentity {
  readonly sessionId: string;
  readonly incarnation: string;
  readonly socketPath: string;
}

/** Names that must not reach a tool, whoever allows them: they hold the worker's credentials (I9) or our marks. */
const BARRED = /^(ANTHROPIC_|TEMPORAL_|HOLDFAST_)/i;

export function isBarred(name: string): boolean {
  return BARRED.test(name);
}

/** The environment of tools: what was allowed, less what never is, plus the mark that finds them again. */
export function toolEnvironment(
  allowed: Readonly<Record<string, string>>,
  incarnation?: string,
): Record<string, string> {
  const passed = Object.entries(allowed).filter(([name]) => !BARRED.test(name));
  return {
    ...Object.fromEntries(passed),
    ...(incarnation === undefined ? {} : { HOLDFAST_HOST: incarnation }),
  };
}

/** The environment of a process of ours that holds user code: enough to find programs, files and the language. */
export function hostEnvironment(
  allowed: Readonly<Record<string, string>>,
  incarnation?: string,
): Record<string, string> {
  const needed = Object.entries(toolEnvironment(allowed)).filter(([name]) =>
    /^(PATH|HOME|USER|LOGNAME|TMPDIR|TZ|LANG|LC_.*)$/.test(name),
  );
  return {
    ...Object.fromEntries(needed),
    ...(incarnation === undefined ? {} : { HOLDFAST_HOST: incarnation }),
  };
}
