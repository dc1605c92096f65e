/** Which tools an MCP server's entry serves, once the server has listed them. */
import type { ServedTool } from '../session/served-tool.ts';
import type { McpTool } from './mcp-connection.ts';
import type { McpCommand, ModuleServer } from './module-entry.ts';
import { clashOf } from './tools-module.ts';

export interface ServerTool {
  readonly served: ServedTool;
  /** As the server lists it. */
  readonly tool: McpTool;
}

/** What servers have listed, by `serverKey`. */
export type McpLists = Readonly<Record<string, readonly McpTool[]>>;

/** The same for the same command line and environment. */
export function serverKey({ command, args, env }: McpCommand): string {
  return JSON.stringify([command, args, Object.entries(env).sort()]);
}

/** @param others tools that are served already. */
export function toolsOfServer(
  server: ModuleServer,
  listed: readonly McpTool[],
  others: readonly { readonly served: ServedTool }[],
): { readonly tools: readonly ServerTool[]; readonly problems: readonly string[] } {
  const { label, only, prefix, timeoutMs, locks, idempotent } = server;
  const named = [...(only ?? []), ...(typeof idempotent === 'boolean' ? [] : idempotent)];
  const unknown = named.find(name => !listed.some(tool => tool.name === name));
  if (unknown !== undefined) {
    const names = listed.map(tool => tool.name).join(', ');
    return { tools: [], problems: [`${label} names "${unknown}", which its server does not have: ${names}`] };
  }
  const chosen = only === undefined ? listed : listed.filter(tool => only.includes(tool.name));
  if (chosen.length === 0) return { tools: [], problems: [`${label} has a server without tools`] };
  const tools: ServerTool[] = [];
  const problems: string[] = [];
  for (const tool of chosen) {
    const name = `${prefix}${tool.name}`;
    const repeatable = typeof idempotent === 'boolean' ? idempotent : idempotent.includes(tool.name);
    const clash = clashOf(name, label, [...others, ...tools], 'give the server a `prefix` to rename');
    if (clash !== undefined) problems.push(clash);
    else tools.push({ served: { name, timeoutMs, idempotent: repeatable, locks }, tool });
  }
  return { tools, problems };
}
