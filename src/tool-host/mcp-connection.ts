/** A running MCP server and its client, and one call of one of its tools through the SDK's helper. */
import { mcpTool } from '@anthropic-ai/sdk/helpers/beta/mcp';
import { Client } from '@modelcontextprotocol/client';
import { errorText } from '../error-text.ts';
import { lastLines } from './evidence.ts';
import { postable } from './mcp-content.ts';
import { type McpProcess, McpTransport } from './mcp-transport.ts';
import type { McpCommand } from './module-entry.ts';
import { TextEnds } from './text-ends.ts';

/** A tool as the server lists it. */
export interface McpTool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema: { readonly type: 'object'; readonly [key: string]: unknown };
}

export interface McpSurroundings extends Omit<McpProcess, 'command' | 'args'> {
  readonly commandPrefix: readonly string[];
  /** Milliseconds to start and answer the handshake. */
  readonly startMs: number;
}

const STDERR_BYTES = 4 * 1024;
/** Of its last words, what an error shows. */
const LINES = 5;
/** The client's own limit would be a minute; the call's timeout is kept by the host. */
const NO_LIMIT_MS = 2_147_483_647;

export class McpConnection {
  readonly #client = new Client({ name: 'holdfast', version: '1' });
  readonly #transport: McpTransport;
  readonly #stderr = new TextEnds(STDERR_BYTES);
  readonly #surroundings: McpSurroundings;
  #open = false;

  constructor(server: McpCommand, surroundings: McpSurroundings) {
    this.#surroundings = surroundings;
    const { commandPrefix, startMs: _, env, onOutput, ...rest } = surroundings;
    const [command = '', ...args] = [...commandPrefix, server.command, ...server.args];
    this.#transport = new McpTransport({
      ...rest,
      ...{ command, args },
      env: { ...env, ...server.env },
      onOutput: chunk => {
        this.#stderr.add(chunk);
        onOutput(chunk);
      },
    });
    this.#client.onclose = () => {
      this.#open = false;
    };
  }

  get open(): boolean {
    return this.#open;
  }

  /** Starts the server. Rejects with how it failed and its last words; then it is gone. */
  async start(): Promise<void> {
    const { startMs } = this.#surroundings;
    try {
      await this.#client.connect(this.#transport, { timeout: startMs });
      this.#open = this.#transport.ending === undefined;
      if (!this.#open) throw new Error('it is gone');
    } catch (error) {
      const how = this.#why(error, `did not answer within ${startMs} ms`);
      await this.end();
      throw new Error(how);
    }
  }

  /** Its tools, all pages. Rejects as `start` does. */
  async list(): Promise<McpTool[]> {
    try {
      const { tools } = await this.#client.listTools({}, { timeout: this.#surroundings.startMs });
      return tools.map(({ name, description, inputSchema }) => ({
        name,
        ...(description === undefined ? {} : { description }),
        inputSchema: inputSchema as McpTool['inputSchema'],
      }));
    } catch (error) {
      throw new Error(this.#why(error, 'did not list its tools in time'));
    }
  }

  /**
   * What the tool returned, as content blocks. Rejects with the SDK's `ToolError` where the tool says that it failed,
   * else with an Error that tells what the server did. On abort the server is told to cancel.
   */
  async call(tool: McpTool, input: unknown, signal: AbortSignal): Promise<unknown> {
    const options = { signal, timeout: NO_LIMIT_MS };
    const through = {
      callTool: async (params: { name: string; arguments?: Record<string, unknown> }) =>
        postable(await this.#client.callTool(params, options)),
    };
    try {
      return await mcpTool(tool, through).run((input ?? {}) as Record<string, unknown>);
    } catch (error) {
      if (error instanceof Error && error.name === 'ToolError') throw error;
      throw new Error(this.#why(error, 'was told to cancel'));
    }
  }

  /** Ends a server that does not answer within `limitMs`: nothing that it is asked would be answered. */
  async check(limitMs: number): Promise<void> {
    try {
      await this.#client.ping({ timeout: limitMs });
    } catch {
      this.#transport.fail(`did not answer for ${limitMs} ms after a call was cancelled, and was ended`);
    }
  }

  async end(): Promise<void> {
    this.#open = false;
    await this.#client.close().catch(() => undefined);
    // A client that never connected does not close its transport.
    await this.#transport.close();
  }

  #why(error: unknown, silent: string): string {
    const text = errorText(error);
    const timedOut = error instanceof Error && 'code' in error && error.code === 'REQUEST_TIMEOUT';
    const what = timedOut ? silent : (this.#transport.ending ?? `failed: ${text}`);
    const said = lastLines(this.#stderr.text()).slice(-LINES).join('\n');
    return `the MCP server ${what}${said === '' ? '' : `; it said: ${said}`}`;
  }
}
