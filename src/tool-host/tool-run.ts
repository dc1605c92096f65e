/** What every kind of tool (bash, a tool in a thread, a program) is given and gives back. */
import { type ContentBlock, type ToolUseType, textBlock } from '../session/answers.ts';
import type { OutputLog } from './output-log.ts';
import type { ProcessIdentity } from './processes.ts';
import type { Owner } from './tool-user.ts';

/** Where tools run, and as whom. */
export interface ToolPlace {
  readonly workspace: string;
  /** The environment of tools, `HOLDFAST_HOST` included. */
  readonly env: Readonly<Record<string, string>>;
  /** Before the command lines of bash, programs and MCP servers. */
  readonly commandPrefix: readonly string[];
  /** Undefined: the user of this process. */
  readonly owner: Owner | undefined;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  readonly type: ToolUseType;
  /** Takes all output as it comes. */
  readonly log: OutputLog;
  /** Aborted to end the call: by a stop or its timeout. The tool settles soon after; its answer is not used. */
  readonly signal: AbortSignal;
  /** Told of every process group the call starts, so that a stop finds it. */
  readonly onGroup: (leader: ProcessIdentity) => void;
}

export interface ToolAnswer {
  readonly isError: boolean;
  /** Content blocks as JSON: a large result is not parsed on the thread that serves. */
  readonly contentJson: string;
  readonly exitStatus?: number;
  /** The call ended before what it started did: that must be killed before the answer is given. */
  readonly abandoned?: boolean;
}

export function textAnswer(isError: boolean, text: string): ToolAnswer {
  const content: ContentBlock[] = [textBlock(text)];
  return { isError, contentJson: JSON.stringify(content) };
}
