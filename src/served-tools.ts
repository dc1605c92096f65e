/** What a worker serves: the same object all its life, so that an edit of the tools module reaches whoever asks next. */
import type { ServedTool } from './session/served-tool.ts';
import type { Description } from './tool-host/describe.ts';
import type { McpLists } from './tool-host/mcp-tools.ts';
import type { ModuleSource } from './tool-host/module-source.ts';

type Described = Extract<Description, { kind: 'described' }>;

export class ServedTools {
  #current: Described;

  constructor(described: Described) {
    this.#current = described;
  }

  get tools(): readonly ServedTool[] {
    return this.#current.tools;
  }

  get moduleHash(): string {
    return this.#current.moduleHash;
  }

  get mcpLists(): McpLists {
    return this.#current.mcpLists;
  }

  /** The module's files; undefined: tool hosts read them from disk. */
  get source(): ModuleSource | undefined {
    return this.#current.source;
  }

  replace(described: Described): void {
    this.#current = described;
  }
}
