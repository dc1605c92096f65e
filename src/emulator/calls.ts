/** The tool calls of one session and who has to act on which (api.md §1.6). */

export type CallKind = 'agent.tool_use' | 'agent.custom_tool_use' | 'agent.mcp_tool_use';

/** How a call ended; `server` is a call that the server ran itself (`agent.mcp_tool_use`) or refused by policy. */
export type ClosedBy = 'result' | 'interrupt' | 'deny' | 'terminated' | 'server';

/** What the agent is told about a call. */
export interface CallResult {
  readonly id: string;
  readonly name: string;
  readonly is_error: boolean;
  /** All text blocks of `content`, joined by newlines. */
  readonly text: string;
  readonly content: readonly Readonly<Record<string, unknown>>[];
  readonly closed_by: ClosedBy;
}

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly kind: CallKind;
  readonly input: unknown;
  /** The child thread that made it; undefined for the primary thread. */
  readonly threadId: string | undefined;
  /** As on the wire; undefined where the event has no such key. */
  readonly permission: string | null | undefined;
  /** Unix ms. */
  readonly emittedAt: number;
  confirmation: 'allow' | 'deny' | undefined;
  result: CallResult | undefined;
  /** Resolves when the call is closed. */
  readonly closed: Promise<CallResult>;
}

export type NewCall = Pick<Call, 'id' | 'name' | 'kind' | 'input' | 'threadId' | 'permission' | 'emittedAt'>;

export class Calls {
  readonly #all = new Map<string, Call>();
  readonly #open = new Map<string, Call>();
  readonly #resolve = new Map<string, (result: CallResult) => void>();

  open(fields: NewCall): Call {
    const { promise, resolve } = Promise.withResolvers<CallResult>();
    const call: Call = { ...fields, confirmation: undefined, result: undefined, closed: promise };
    this.#all.set(call.id, call);
    this.#open.set(call.id, call);
    this.#resolve.set(call.id, resolve);
    return call;
  }

  get(id: string): Call | undefined {
    return this.#all.get(id);
  }

  /** Ids of open calls, in the order of their events. */
  openIds(): string[] {
    return [...this.#open.keys()];
  }

  openCalls(): Call[] {
    return [...this.#open.values()];
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** The first closing wins; a later one changes nothing (§1.6.6). */
  close(id: string, by: ClosedBy, isError: boolean, content: CallResult['content']): CallResult | undefined {
    const call = this.#open.get(id);
    if (call === undefined) return undefined;
    const text = content.flatMap(block => (typeof block.text === 'string' ? [block.text] : [])).join('\n');
    call.result = { id, name: call.name, is_error: isError, text, content, closed_by: by };
    this.#open.delete(id);
    this.#resolve.get(id)?.(call.result);
    this.#resolve.delete(id);
    return call.result;
  }
}

/** Whether a person must allow the call before a result for it is taken. */
export function isGated(call: Call): boolean {
  return call.permission === 'ask';
}

/** Whether a confirmation for the call means anything: whatever is not plainly allowed can be confirmed. */
export function isConfirmable(call: Call): boolean {
  return call.permission !== undefined && call.permission !== 'allow';
}
