/** The MCP servers of a tool host: one process each, for all calls of the session. */
import type { ServedTool } from '../session/served-tool.ts';
import { McpHandle, type McpHandleOptions } from './mcp-handle.ts';
import type { McpThreadData } from './mcp-protocol.ts';
import { type McpLists, type ServerTool, serverKey, toolsOfServer } from './mcp-tools.ts';
import type { ModuleServer } from './module-entry.ts';
import { type ToolAnswer, type ToolCall, textAnswer } from './tool-run.ts';

export interface McpServersOptions extends Omit<McpHandleOptions, 'data'> {
  readonly data: Omit<McpThreadData, 'server'>;
  /** What servers have listed before; a server that is not among them is started and asked. */
  readonly lists: McpLists;
}

interface Served extends ServerTool {
  readonly handle: McpHandle;
}

export class McpServers {
  readonly #options: McpServersOptions;
  readonly #handles: McpHandle[] = [];
  readonly #tools = new Map<string, Served>();

  constructor(options: McpServersOptions) {
    this.#options = options;
  }

  get tools(): readonly ServedTool[] {
    return [...this.#tools.values()].map(({ served }) => served);
  }

  serves(name: string): boolean {
    return this.#tools.has(name);
  }

  /** @param others tools that are served already. @returns what is wrong, if anything. */
  async start(
    servers: readonly ModuleServer[],
    others: readonly { readonly served: ServedTool }[],
  ): Promise<string | undefined> {
    const { data, lists, ...rest } = this.#options;
    const asked = servers.map(async server => {
      const handle = new McpHandle({ ...rest, data: { ...data, server } });
      this.#handles.push(handle);
      const tools = lists[serverKey(server)];
      const list = tools === undefined ? await handle.list() : ({ kind: 'listed', tools } as const);
      return { server, handle, list };
    });
    for (const { server, handle, list } of await Promise.all(asked)) {
      if (list.kind === 'unlisted') return `${server.label}: ${list.problem}`;
      const { tools, problems } = toolsOfServer(server, list.tools, [...others, ...this.#tools.values()]);
      if (problems[0] !== undefined) return problems[0];
      for (const tool of tools) this.#tools.set(tool.served.name, { ...tool, handle });
    }
    return undefined;
  }

  run(call: ToolCall): Promise<ToolAnswer> {
    const found = this.#tools.get(call.name);
    if (found === undefined) return Promise.resolve(textAnswer(true, `Error: no tool named ${call.name}`));
    return found.handle.run(found.tool, call);
  }

  async end(): Promise<void> {
    await Promise.all(this.#handles.map(handle => handle.end()));
  }
}
