/** What a deployment serves, told without opening a workspace. */
import { dirname } from 'node:path';
import type { ServedTool } from '../session/served-tool.ts';
import { BUILTIN_TOOLS } from './builtin-tools.ts';
import { killGroup, startEntry } from './child-entry.ts';
import type { DescribeConfig, DescribeReport } from './describe-main.ts';
import { hostEnvironment, toolEnvironment } from './host-config.ts';
import { hashModule } from './module-hash.ts';
import { ownerOf, type ToolUser } from './tool-user.ts';

export type Description =
  | { readonly kind: 'described'; readonly tools: readonly ServedTool[]; readonly moduleHash: string }
  /** The module cannot be used; the message names file and tool and the mend. */
  | { readonly kind: 'broken'; readonly message: string };

export interface DescribeOptions {
  /** Absolute path of the user's tools module. */
  readonly toolsModule?: string | undefined;
  /** The whole environment of tools, already allow-listed. */
  readonly toolEnv: Readonly<Record<string, string>>;
  /** Whom the module's code runs as; absent: our own user. */
  readonly toolUser?: ToolUser | undefined;
  /** How long loading the module may take. Default 10 000 ms. */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Names and policies of the built-in tools and of the module's. The module is user code: it is loaded in a process of
 * its own that has none of the worker's keys (I9) and whose end costs the worker nothing (I12).
 */
export async function describeTools(options: DescribeOptions): Promise<Description> {
  const { toolsModule, toolEnv, toolUser, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (toolsModule === undefined) return { kind: 'described', tools: BUILTIN_TOOLS, moduleHash: '' };
  const broken = (what: string): Description => ({
    kind: 'broken',
    message: `the tools module ${toolsModule} ${what}`,
  });
  const env = toolEnvironment(toolEnv);
  const report = await startEntry({
    entry: 'describe-main',
    env: { ...(toolUser === undefined ? env : {}), ...hostEnvironment(toolEnv) },
    cwd: dirname(toolsModule),
    config: { toolsModule, env } satisfies DescribeConfig,
    owner: toolUser && ownerOf(toolUser, 'describeTools'),
    output: 'ignore',
    timeoutMs,
  }).catch((error: Error) => ({ kind: 'ended' as const, reason: error.message, child: undefined }));
  if (report.child !== undefined) killGroup(report.child);
  switch (report.kind) {
    case 'silent':
      return broken(
        `did not finish loading within ${timeoutMs} ms; do slow work in the tools, not at the top`,
      );
    case 'ended':
      return broken(`ended its process while it loaded (${report.reason})`);
    case 'report': {
      const told = JSON.parse(report.text) as DescribeReport;
      if (told.kind === 'broken') return told;
      const moduleHash = await hashModule(toolsModule);
      return { kind: 'described', tools: [...BUILTIN_TOOLS, ...told.tools], moduleHash };
    }
  }
}
