/** What a tools module serves, and all that is wrong with it, told without opening a workspace. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { killGroup } from '../kill-group.ts';
import type { ServedTool } from '../session/served-tool.ts';
import { startEntry } from './child-entry.ts';
import type { DescribeConfig } from './describe-main.ts';
import { hostEnvironment, toolEnvironment } from './host-config.ts';
import type { McpLists } from './mcp-tools.ts';
import type { ModuleSource } from './module-source.ts';
import { ownerOf, type ToolUser } from './tool-user.ts';
import { faultOf } from './tools-module.ts';

export interface InspectedTool {
  readonly served: ServedTool;
  readonly kind: 'function' | 'exec' | 'mcp';
  /** The command line of a program, the entry of an MCP server. */
  readonly from: string;
  /** The program of an `exec` tool. */
  readonly exec?: string;
  readonly description: string;
  readonly inputSchema: unknown;
}

export interface DescribeReport {
  readonly tools: readonly InspectedTool[];
  /** What its MCP servers have listed. */
  readonly mcpLists: McpLists;
  /** One line each, with file, tool and mend; with any of them the module is of no use. */
  readonly problems: readonly string[];
  /** The module's files, those loaded before a fault included; where they were asked for. */
  readonly source?: ModuleSource;
}

export interface InspectOptions {
  /** Absolute path of the user's tools module. */
  readonly toolsModule: string;
  /** The whole environment of tools, already allow-listed. */
  readonly toolEnv: Readonly<Record<string, string>>;
  /** Whom the module's code runs as; absent: our own user. */
  readonly toolUser?: ToolUser | undefined;
  /** Prefix of the command lines of MCP servers. */
  readonly toolCommand?: readonly string[] | undefined;
  /** How long loading the module may take; its MCP servers have their own time. Default 10 000 ms. */
  readonly timeoutMs?: number | undefined;
  /** Whether the report is to hold the module's files. */
  readonly source?: boolean | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * The module is user code: it is loaded in a process of its own that has none of the worker's keys (I9) and whose end
 * costs the worker nothing (I12).
 */
export async function inspectTools(options: InspectOptions): Promise<DescribeReport> {
  const { toolsModule, toolEnv, toolUser, toolCommand = [], source = false } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const env = toolEnvironment(toolEnv);
  const broken = (what: string): DescribeReport => ({
    tools: [],
    mcpLists: {},
    problems: [faultOf(toolsModule, what)],
  });
  const report = await startEntry({
    entry: 'describe-main',
    env: { ...(toolUser === undefined ? env : {}), ...hostEnvironment(toolEnv) },
    cwd: dirname(toolsModule),
    config: { toolsModule, env, commandPrefix: toolCommand, source } satisfies DescribeConfig,
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
    case 'report':
      return JSON.parse(report.text) as DescribeReport;
  }
}

/** Programs of `exec` tools that are not there: such a tool is served, and each of its calls fails. */
export async function missingPrograms(
  { tools }: DescribeReport,
  options: Pick<InspectOptions, 'toolsModule' | 'toolEnv'>,
): Promise<string[]> {
  const missing: string[] = [];
  for (const { served, exec } of tools) {
    if (exec === undefined || (await isProgram(exec, options.toolEnv.PATH ?? ''))) continue;
    const mend = exec.includes('/') ? 'make it an executable file' : 'install it, or give its path';
    missing.push(
      faultOf(options.toolsModule, `has a program for "${served.name}" that is not found: ${exec}; ${mend}`),
    );
  }
  return missing;
}

async function isProgram(program: string, path: string): Promise<boolean> {
  const files = program.includes('/')
    ? [program]
    : path.split(delimiter).map(folder => join(folder === '' ? '.' : folder, program));
  for (const file of files) {
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
