/** What a deployment serves, told without opening a workspace. */
import type { ServedTool } from '../session/served-tool.ts';
import { BUILTIN_TOOLS } from './builtin-tools.ts';
import { type InspectOptions, inspectTools } from './inspect.ts';
import type { McpLists } from './mcp-tools.ts';
import { hashOf } from './module-hash.ts';
import type { ModuleSource } from './module-source.ts';
import { firstProblem } from './tools-module.ts';

export type Description =
  | {
      readonly kind: 'described';
      readonly tools: readonly ServedTool[];
      readonly moduleHash: string;
      /** What MCP servers of the module have listed. */
      readonly mcpLists: McpLists;
      /** The module's files, where they were asked for. */
      readonly source?: ModuleSource;
    }
  /** The module cannot be used; the message names file and tool and the mend. */
  | { readonly kind: 'broken'; readonly message: string; readonly source?: ModuleSource };

export interface DescribeOptions extends Omit<InspectOptions, 'toolsModule'> {
  /** Absolute path of the user's tools module. */
  readonly toolsModule?: string | undefined;
}

/** Names and policies of the built-in tools and of the module's. */
export async function describeTools(options: DescribeOptions): Promise<Description> {
  const { toolsModule } = options;
  if (toolsModule === undefined)
    return { kind: 'described', tools: BUILTIN_TOOLS, moduleHash: '', mcpLists: {} };
  const { tools, problems, mcpLists, source } = await inspectTools({ ...options, toolsModule });
  const told = source === undefined ? {} : { source };
  if (problems.length > 0) return { kind: 'broken', message: firstProblem(problems), ...told };
  const moduleHash = await hashOf({ toolsModule, source });
  const all = [...BUILTIN_TOOLS, ...tools.map(({ served }) => served)];
  return { kind: 'described', tools: all, moduleHash, mcpLists, ...told };
}
