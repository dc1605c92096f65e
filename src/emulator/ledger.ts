/** What clients did about each call, for tests: nothing here changes how the API answers (api.md §6.1.9). */
import type { Call, CallKind, ClosedBy } from './calls.ts';
import { answeredId } from './posted-events.ts';

/** Who sent a request and when (Unix ms). */
export interface Sender {
  readonly at: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A post that was stored. `response` is `lost` where a fault cut the connection after that, `late` while one holds it back. */
export interface AcceptedPost extends Sender {
  readonly event_id: string;
  readonly event: unknown;
  response: 'sent' | 'late' | 'lost';
}

/** A post that was answered with an error, by a rule of the API or by a fault. */
export interface RefusedPost extends Sender {
  readonly status: number;
  readonly message: string;
  readonly event: unknown;
}

export interface LedgerCall {
  readonly id: string;
  readonly name: string;
  readonly kind: CallKind;
  readonly input: unknown;
  readonly session_thread_id: string | null;
  readonly emitted_at: number;
  /** Results that were stored: the API never takes a second one. */
  readonly accepted: readonly AcceptedPost[];
  readonly refused: readonly RefusedPost[];
  readonly confirmations: readonly AcceptedPost[];
  readonly closed_by: ClosedBy | null;
  readonly closed_at: number | null;
}

/** A call that is not over for its runner; `posted` once a result of it has reached the API. */
export interface InFlightCall {
  readonly id: string;
  readonly posted: boolean;
}

/** Everything that happened to the calls of one session. All times are Unix ms. */
export interface LedgerReport {
  readonly session_id: string;
  readonly calls: readonly LedgerCall[];
  /** Refused posts that name no call of this session. */
  readonly unmatched: readonly RefusedPost[];
  /** Expectations that did not hold, and errors thrown by the script. */
  readonly failures: readonly string[];
}

type Open<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] };

export class Ledger {
  readonly #calls = new Map<string, Open<LedgerCall>>();
  readonly #unmatched: RefusedPost[] = [];
  readonly failures: string[] = [];

  emitted(call: Call): void {
    this.#calls.set(call.id, {
      id: call.id,
      name: call.name,
      kind: call.kind,
      input: call.input,
      session_thread_id: call.threadId ?? null,
      emitted_at: Date.now(),
      accepted: [],
      refused: [],
      confirmations: [],
      closed_by: null,
      closed_at: null,
    });
  }

  accepted(event: unknown, eventId: string, sender: Sender): void {
    const call = this.#callOf(event);
    const post: AcceptedPost = { ...sender, event_id: eventId, event, response: 'sent' };
    if ((event as { type?: unknown }).type === 'user.tool_confirmation') call?.confirmations.push(post);
    else call?.accepted.push(post);
  }

  /** Notes a refused request under every call it names; `body` may be any JSON. */
  refused(body: unknown, status: number, message: string, sender: Sender): void {
    const events = (body as { events?: unknown } | null | undefined)?.events;
    for (const event of Array.isArray(events) ? events : [body]) {
      const refusal = { ...sender, status, message, event };
      const call = this.#callOf(event);
      (call === undefined ? this.#unmatched : call.refused).push(refusal);
    }
  }

  /** Marks the posts of a request whose response a fault holds back, or swallowed. */
  responded(eventIds: readonly string[], response: AcceptedPost['response']): void {
    const ids = new Set(eventIds);
    for (const call of this.#calls.values()) {
      for (const post of [...call.accepted, ...call.confirmations]) {
        if (ids.has(post.event_id)) post.response = response;
      }
    }
  }

  /** Calls without a result, and those whose poster does not know yet that it was taken; cheap, unlike `report`. */
  inFlight(): InFlightCall[] {
    const found: InFlightCall[] = [];
    for (const { id, accepted, refused, closed_by } of this.#calls.values()) {
      const [post] = accepted;
      const unheard =
        post !== undefined && post.response !== 'sent' && !refused.some(({ at }) => at > post.at);
      if (closed_by === null || unheard) found.push({ id, posted: accepted.length + refused.length > 0 });
    }
    return found;
  }

  closed(id: string, by: ClosedBy): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    call.closed_by = by;
    call.closed_at = Date.now();
  }

  report(sessionId: string): LedgerReport {
    return structuredClone({
      session_id: sessionId,
      calls: [...this.#calls.values()],
      unmatched: this.#unmatched,
      failures: this.failures,
    });
  }

  #callOf(event: unknown): Open<LedgerCall> | undefined {
    const id = answeredId(event);
    return id === undefined ? undefined : this.#calls.get(id);
  }
}
