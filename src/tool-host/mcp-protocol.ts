/** What a tool host and the thread of an MCP server say to each other. */
import type { McpTool } from './mcp-connection.ts';
import type { ModuleServer } from './module-entry.ts';
import type { ProcessIdentity } from './processes.ts';
import type { ToolPlace } from './tool-run.ts';

/** What the thread is given at its start. */
export interface McpThreadData extends Omit<ToolPlace, 'owner'> {
  readonly server: ModuleServer;
  readonly maxResultBytes: number;
  /** How long a server may leave a ping unanswered after a call was cancelled. */
  readonly abortGraceMs: number;
}

export type ToMcpThread =
  | { readonly kind: 'list' }
  | { readonly kind: 'call'; readonly id: string; readonly tool: McpTool; readonly input: unknown }
  | { readonly kind: 'abort'; readonly id: string }
  | { readonly kind: 'end' };

export type FromMcpThread =
  | { readonly kind: 'listed'; readonly tools: readonly McpTool[] }
  | { readonly kind: 'unlisted'; readonly problem: string }
  /** Standard error of the server, which belongs to whatever calls it has; a character for each byte. */
  | { readonly kind: 'output'; readonly latin1: string }
  | { readonly kind: 'group'; readonly leader: ProcessIdentity }
  | { readonly kind: 'answer'; readonly id: string; readonly isError: boolean; readonly contentJson: string }
  | { readonly kind: 'ended' };
