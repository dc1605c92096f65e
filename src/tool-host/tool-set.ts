/** The user's tools in one version of their module: functions and programs through the pool, MCP servers beside it. */
import type { ServedTool } from '../session/served-tool.ts';
import type { HostLimits } from './limits.ts';
import { McpServers } from './mcp-servers.ts';
import type { McpLists } from './mcp-tools.ts';
import type { ModuleSource } from './module-source.ts';
import type { MountRoots } from './mount-protocol.ts';
import type { ProcessIdentity } from './processes.ts';
import { runProgram } from './program-tool.ts';
import { ToolPool } from './tool-pool.ts';
import { type ToolAnswer, type ToolCall, type ToolPlace, textAnswer } from './tool-run.ts';

/** Which version of the module is served. */
export interface ToolsVersion {
  /** Absolute path of the user's tools module; undefined: there is none. */
  readonly toolsModule?: string | undefined;
  /** The module's files; absent: as they are on disk. */
  readonly source?: ModuleSource | undefined;
  /** What its MCP servers have listed before: those need not be started to know their tools. */
  readonly mcpLists?: McpLists | undefined;
}

export interface ToolSetOptions extends ToolPlace {
  readonly limits: HostLimits;
  readonly version: ToolsVersion;
  readonly onGroup: (leader: ProcessIdentity) => void;
}

export class ToolSet {
  readonly #options: ToolSetOptions;
  readonly #pool: ToolPool;
  readonly #servers: McpServers;
  #running = 0;
  #onIdle: (() => void) | undefined;
  #closing: Promise<readonly string[]> | undefined;

  constructor(options: ToolSetOptions) {
    this.#options = options;
    const { workspace, env, commandPrefix, owner, limits, version, onGroup } = options;
    const { maxResultBytes, abortGraceMs, threadMemoryMb: memoryMb } = limits;
    const { toolsModule, source } = version;
    this.#pool = new ToolPool(
      { data: { toolsModule, source, workspace, maxResultBytes }, env, memoryMb, owner },
      limits,
    );
    this.#servers = new McpServers({
      data: { workspace, env, commandPrefix, maxResultBytes, abortGraceMs },
      lists: version.mcpLists ?? {},
      memoryMb,
      owner,
      onGroup,
    });
  }

  get tools(): readonly ServedTool[] {
    return [...this.#pool.tools, ...this.#servers.tools];
  }

  /** Whether the tool is child processes of its own, which may be killed without asking. */
  isProgram(name: string): boolean {
    return this.#pool.program(name) !== undefined;
  }

  /** Loads the module. @returns what is wrong with it, if anything; then nothing of it is left. */
  async start(): Promise<string | undefined> {
    const ready = await this.#pool.start();
    const problem =
      ready.kind === 'broken'
        ? ready.message
        : await this.#servers.start(
            ready.servers,
            ready.tools.map(served => ({ served })),
          );
    if (problem !== undefined) await this.#terminate();
    return problem;
  }

  /** Never rejects. */
  async run(call: ToolCall, roots: MountRoots): Promise<ToolAnswer> {
    this.#running++;
    try {
      return this.#servers.serves(call.name)
        ? await this.#servers.run(call)
        : await this.#runInPool(call, roots);
    } finally {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
    }
  }

  /** Runs the close hooks, then ends threads and servers, once. @returns the hooks that failed. */
  close(): Promise<readonly string[]> {
    // A host may end while this version retires.
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes when the calls that run now have ended; no other may be given to it. */
  async retire(): Promise<readonly string[]> {
    if (this.#running > 0) {
      await new Promise<void>(resolve => {
        this.#onIdle = resolve;
      });
    }
    return this.close();
  }

  async #runInPool(call: ToolCall, roots: MountRoots): Promise<ToolAnswer> {
    const end = await this.#pool.run(call, roots);
    switch (end.kind) {
      case 'answer':
        return end;
      case 'died':
        return { ...textAnswer(true, `Error: ${end.reason}`), abandoned: true };
      case 'run-program': {
        const program = this.#pool.program(call.name);
        if (program === undefined) return textAnswer(true, `Error: no program for ${call.name}`);
        const { workspace, env, commandPrefix, owner, limits, onGroup } = this.#options;
        const note = (leader: ProcessIdentity): void => {
          onGroup(leader);
          call.onGroup(leader);
        };
        const { maxResultBytes } = limits;
        const options = { workspace, env, commandPrefix, owner, maxResultBytes };
        return runProgram(program, { ...call, onGroup: note }, options);
      }
    }
  }

  async #close(): Promise<readonly string[]> {
    const failures = await this.#pool.runCloseHooks();
    await this.#terminate();
    return failures;
  }

  async #terminate(): Promise<void> {
    await Promise.all([this.#pool.terminate(), this.#servers.end()]);
  }
}
