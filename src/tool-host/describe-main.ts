/**
 * Entry of the short-lived process that tells what a tools module serves: loads it, asks its MCP servers for their
 * tools, reports on file descriptor 3, ends.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { EXTEND } from './child-entry.ts';
import { REPORT_FD } from './host-config.ts';
import { problemOfSchema } from './input-check.ts';
import type { DescribeReport, InspectedTool } from './inspect.ts';
import { McpConnection, type McpTool } from './mcp-connection.ts';
import { serverKey, toolsOfServer } from './mcp-tools.ts';
import type { ModuleServer, ModuleTool } from './module-entry.ts';
import { recordSources } from './module-source.ts';
import { faultOf, loadToolsModule, messageOf } from './tools-module.ts';

export interface DescribeConfig {
  readonly toolsModule: string;
  /** The environment of tools. */
  readonly env: Readonly<Record<string, string>>;
  readonly commandPrefix: readonly string[];
  /** Whether the module's files are to be reported. */
  readonly source: boolean;
}

/** What asking a server may take over the time that it has to start. */
const MARGIN_MS = 3_000;

const config = JSON.parse(readFileSync(0, 'utf8')) as DescribeConfig;
Object.assign(process.env, config.env);
const sources = config.source ? recordSources() : undefined;
writeFileSync(REPORT_FD, `${JSON.stringify(await describe(config))}\n`);
process.exit(0);

async function describe({ toolsModule, commandPrefix: words }: DescribeConfig): Promise<DescribeReport> {
  const loaded = await loadToolsModule(toolsModule);
  const commandPrefix = words.map(word => word.replaceAll('{workspace}', process.cwd()));
  const source = sources?.();
  const told = source === undefined ? {} : { source };
  if (loaded.kind === 'broken') return { tools: [], mcpLists: {}, problems: loaded.problems, ...told };
  const tools: InspectedTool[] = loaded.tools.map(inspected);
  const problems: string[] = [];
  const mcpLists: Record<string, readonly McpTool[]> = {};
  const slowest = Math.max(0, ...loaded.servers.map(server => server.startMs));
  if (slowest > 0) writeFileSync(REPORT_FD, `${EXTEND}${slowest * 2 + MARGIN_MS}\n`);
  const asked = await Promise.all(
    loaded.servers.map(async server => ({ server, list: await list(server, commandPrefix) })),
  );
  for (const { server, list } of asked) {
    if (typeof list === 'string') {
      problems.push(`${server.label}: ${list}`);
      continue;
    }
    mcpLists[serverKey(server)] = list;
    const served = toolsOfServer(server, list, tools);
    problems.push(...served.problems);
    for (const { served: policy, tool } of served.tools) {
      const { description = '', inputSchema } = tool;
      tools.push({ served: policy, kind: 'mcp', from: server.label, description, inputSchema });
    }
  }
  for (const { served, inputSchema } of tools) {
    const problem = await problemOfSchema(inputSchema);
    if (problem !== undefined) problems.push(`has a bad input schema for "${served.name}": ${problem}`);
  }
  return { tools, mcpLists, problems: problems.map(what => faultOf(toolsModule, what)), ...told };
}

function inspected({ served, description, implementation }: ModuleTool): InspectedTool {
  if (implementation.kind === 'function') {
    const inputSchema = implementation.tool.input_schema;
    return { served, kind: 'function', from: '', description, inputSchema };
  }
  const { exec, args, inputSchema } = implementation.program;
  return { served, kind: 'exec', from: [exec, ...args].join(' '), exec, description, inputSchema };
}

/** What the server lists, or why it does not. */
async function list(server: ModuleServer, commandPrefix: readonly string[]): Promise<McpTool[] | string> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const { startMs } = server;
  // In our process group, which whoever has started us ends as a whole.
  const connection = new McpConnection(server, {
    ...{ cwd: process.cwd(), env, commandPrefix, startMs },
    onOutput: () => {},
  });
  try {
    await connection.start();
    return await connection.list();
  } catch (error) {
    return messageOf(error);
  } finally {
    await connection.end();
  }
}
