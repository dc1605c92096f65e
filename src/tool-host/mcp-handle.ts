/** The host's end of the thread of one MCP server. Its methods settle whatever server and thread do, and never reject. */
import { errorText } from '../error-text.ts';
import { type Cell, startCell } from './cell.ts';
import { killAll } from './kill.ts';
import type { McpTool } from './mcp-connection.ts';
import type { FromMcpThread, McpThreadData, ToMcpThread } from './mcp-protocol.ts';
import { groupOf, type ProcessIdentity } from './processes.ts';
import { type ToolAnswer, type ToolCall, textAnswer } from './tool-run.ts';
import type { Owner } from './tool-user.ts';

export interface McpHandleOptions {
  readonly data: McpThreadData;
  readonly memoryMb: number;
  readonly owner: Owner | undefined;
  readonly onGroup: (leader: ProcessIdentity) => void;
}

/** What a server may take to end, over the moment that its thread gives it. */
const END_MS = 2_000;
const KILL_MS = 1_000;

interface Waiting {
  readonly call: ToolCall;
  readonly settle: (answer: ToolAnswer) => void;
}

export class McpHandle {
  readonly #options: McpHandleOptions;
  readonly #waiting = new Map<string, Waiting>();
  #thread: Cell<ToMcpThread> | undefined;
  #server: ProcessIdentity | undefined;
  #onListed: ((message: FromMcpThread) => void) | undefined;
  #onEnded: (() => void) | undefined;

  constructor(options: McpHandleOptions) {
    this.#options = options;
  }

  /** Starts the server and asks it for its tools. */
  list(): Promise<
    | { readonly kind: 'listed'; readonly tools: readonly McpTool[] }
    | { readonly kind: 'unlisted'; readonly problem: string }
  > {
    return new Promise(resolve => {
      this.#onListed = message => {
        if (message.kind === 'listed' || message.kind === 'unlisted') resolve(message);
      };
      this.#tell({ kind: 'list' });
    });
  }

  /** After an abort it settles when the server was told to cancel, or was ended because it does not answer. */
  run(tool: McpTool, call: ToolCall): Promise<ToolAnswer> {
    const { id, input, signal } = call;
    return new Promise(resolve => {
      const onAbort = (): void => this.#tell({ kind: 'abort', id });
      const settle = (answer: ToolAnswer): void => {
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(id);
        resolve(answer);
      };
      this.#waiting.set(id, { call, settle });
      this.#tell({ kind: 'call', id, tool, input });
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Ends server and thread. What the server left behind is for the host to kill. */
  async end(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    await new Promise<void>(resolve => {
      setTimeout(resolve, END_MS).unref();
      this.#onEnded = resolve;
      this.#tell({ kind: 'end' });
    });
    await thread.terminate();
  }

  #tell(message: ToMcpThread): void {
    this.#thread ??= this.#start();
    this.#thread.post(message);
  }

  #start(): Cell<ToMcpThread> {
    const { data, memoryMb, owner } = this.#options;
    let why = '';
    const thread = startCell<ToMcpThread, FromMcpThread>({
      entry: 'mcp-thread',
      ...{ data, env: data.env, memoryMb, owner },
      onMessage: message => this.#take(message),
      onError: error => {
        why = errorText(error);
      },
      onExit: how => {
        if (this.#thread === thread) this.#thread = undefined;
        // A thread that failed has left its server behind.
        if (this.#server !== undefined) void killAll({ marks: [], groups: [this.#server] }, KILL_MS);
        const problem = `the client of the MCP server failed: ${why === '' ? how : why}`;
        this.#onEnded?.();
        this.#onListed?.({ kind: 'unlisted', problem });
        for (const { settle } of [...this.#waiting.values()]) settle(textAnswer(true, `Error: ${problem}`));
      },
    });
    for (const stream of thread.output) stream.on('data', chunk => process.stderr.write(chunk));
    return thread;
  }

  #take(message: FromMcpThread): void {
    switch (message.kind) {
      case 'listed':
      case 'unlisted':
        this.#onListed?.(message);
        return;
      case 'group':
        if (!this.#isOurs(message.leader)) return;
        this.#server = message.leader;
        this.#options.onGroup(message.leader);
        return;
      case 'output': {
        const chunk = Buffer.from(message.latin1, 'latin1');
        for (const { call } of this.#waiting.values()) call.log.append(chunk);
        return;
      }
      case 'answer':
        this.#waiting.get(message.id)?.settle(message);
        return;
      case 'ended':
        this.#onEnded?.();
        return;
    }
  }

  /** Root kills what is named here: only what belongs to the session's tools. */
  #isOurs({ pid }: ProcessIdentity): boolean {
    const { owner } = this.#options;
    return owner === undefined || groupOf(pid) === owner.gid;
  }
}
