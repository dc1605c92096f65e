/**
 * What the emulator does wrong on purpose. A fault is set for one session or for all; a session's own setting
 * goes before the global one. Times are ms; `times` and the plain counters run down to 0 as faults are used.
 */
import { z } from 'zod';

export const ROUTES = [
  'create',
  'retrieve',
  'update',
  'archive',
  'delete',
  'list',
  'send',
  'stream',
  'threads',
  'work_poll',
  'work_ack',
  'work_heartbeat',
  'work_stop',
  'work_get',
  'work_update',
  'work_list',
  'work_stats',
  'skill',
  'skill_content',
  'memory_list',
  'memory_get',
  'memory_create',
  'memory_update',
  'memory_delete',
] as const;
export type Route = (typeof ROUTES)[number];

const route = z.enum(ROUTES);
const count = z.int().min(0);
const ms = z.number().min(0);

const failSchema = z.strictObject({
  /** Left out: every route. */
  route: route.optional(),
  status: z.int().min(400).max(599),
  times: count.default(1),
  /** The `retry-after` header, in seconds. */
  retry_after: z.number().optional(),
  /** The `x-should-retry` header. */
  should_retry: z.boolean().optional(),
  message: z.string().optional(),
});

const answerSchema = z.strictObject({
  /** Left out: every route. */
  route: route.optional(),
  /**
   * `bad_json`: JSON that breaks off · `html`: a web page · `cut`: the connection breaks · `late`: after `ms`; in
   * these the request was carried out. `never`: nothing is carried out, and the connection stays open.
   */
  how: z.enum(['bad_json', 'html', 'cut', 'late', 'never']),
  times: count.default(1),
  ms: ms.default(1000),
});

const streamSchema = z.strictObject({
  /** Destroys the connection after it carried so many events; `cut_times` limits how often (else always). */
  cut_after_events: z.int().min(1).optional(),
  cut_times: count.optional(),
  /** Destroys each connection after so long. */
  cut_every_ms: z.number().min(1).optional(),
  /** So many next connections get a response head and a clean end. */
  close_at_connect: count.optional(),
  /** Half-open: connections stay, nothing is written any more, and what is not written is lost. */
  silent: z.boolean().optional(),
  /** Every frame goes out twice, or the next so many. */
  duplicate_frames: z.union([z.boolean(), count]).optional(),
  /** Single frames that come late: those behind them overtake. */
  delay_frames: z
    .array(z.strictObject({ types: z.array(z.string()).optional(), ms, times: count.default(1) }))
    .optional(),
  /** Types whose frames are never written: the events stand only in the list. */
  drop_types: z.array(z.string()).optional(),
});

export const faultsSchema = z.strictObject({
  /** Delay before the route's handler runs. */
  latency_ms: z.partialRecord(route, ms).optional(),
  /** Posts are stored at once, and answered so much later. */
  answer_delay_ms: ms.optional(),
  /** Error responses; nothing is stored. */
  fail: z.array(failSchema).optional(),
  /** Answers that do not come as they should. */
  answers: z.array(answerSchema).optional(),
  /** So many next acknowledged work items stay `starting` for ever unless a heartbeat comes (api.md §1.2). */
  ack_then_dead: count.optional(),
  /** What a poll gives out as `secret`: nothing, what cannot be decoded, JSON without a token, or more than a token. */
  secret: z.enum(['absent', 'undecodable', 'tokenless', 'extra_keys', 'padded']).optional(),
  /** So many next posts are stored, then their connection is destroyed. */
  lose_responses: count.optional(),
  /** So many next posts are destroyed before they are stored. */
  lose_requests: count.optional(),
  /** Posts for a call younger than this get the 400 "does not match"; `commit_race_hides` also hides its event from lists. */
  commit_race_ms: ms.optional(),
  commit_race_hides: z.boolean().optional(),
  list: z
    .strictObject({
      /** This page of a list (from 1) fails with `status` (500), `times` times (1). */
      fail_page: z.int().min(1).optional(),
      status: z.int().min(400).max(599).optional(),
      times: count.optional(),
      /** Upper bound of a page, whatever `limit` says. */
      max_page_size: z.int().min(1).optional(),
      /** Events that one page looks at, so that a filtered page may be empty and yet have a next one. */
      scan_limit: z.int().min(1).optional(),
    })
    .optional(),
  stream: streamSchema.optional(),
  /** How long an interrupt stays queued; `never`: it is accepted and not applied. */
  interrupt_delay_ms: z.union([ms, z.literal('never')]).optional(),
});

export type Faults = z.input<typeof faultsSchema>;
type Live = z.output<typeof faultsSchema>;
export type FailFault = z.output<typeof failSchema>;
export type AnswerFault = z.output<typeof answerSchema>;
export type StreamFaults = z.output<typeof streamSchema>;

/** The settings of one scope; they are copies, since they run down. */
export class FaultScope {
  #live: Live = {};

  /** Replaces the top-level keys that are given, and leaves the others. A malformed value throws a ZodError. */
  set(faults: Faults): void {
    this.#live = { ...this.#live, ...faultsSchema.parse(faults) };
  }

  clear(): void {
    this.#live = {};
  }

  get live(): Live {
    return this.#live;
  }
}

/** What a request meets: the scope of its session or environment, then the global one. */
export class SessionFaults {
  readonly #scopes: readonly FaultScope[];

  constructor(scopes: readonly FaultScope[]) {
    this.#scopes = scopes;
  }

  latency(of: Route): number {
    return this.#first(live => live.latency_ms?.[of]) ?? 0;
  }

  /** The error that a request of this route gets now, counted as used. */
  takeFailure(of: Route): FailFault | undefined {
    return this.#first(live => {
      const fault = live.fail?.find(one => one.times > 0 && (one.route ?? of) === of);
      if (fault !== undefined) fault.times--;
      return fault;
    });
  }

  /** What becomes of the answer to a request of this route, counted as used. */
  takeAnswer(of: Route): AnswerFault | undefined {
    return this.#first(live => {
      const fault = live.answers?.find(one => one.times > 0 && (one.route ?? of) === of);
      if (fault !== undefined) fault.times--;
      return fault;
    });
  }

  take(counter: 'lose_responses' | 'lose_requests' | 'ack_then_dead'): boolean {
    const used = this.#first(live => ((live[counter] ?? 0) > 0 ? live : undefined));
    if (used !== undefined) used[counter] = (used[counter] ?? 1) - 1;
    return used !== undefined;
  }

  /** The status with which this page of a list fails, if it does. */
  takeListFailure(pageNumber: number): number | undefined {
    return this.#first(({ list }) => {
      if (list?.fail_page !== pageNumber || list.times === 0) return undefined;
      list.times = (list.times ?? 1) - 1;
      return list.status ?? 500;
    });
  }

  get<K extends keyof Live>(key: K): Live[K] {
    return this.#first(live => live[key]);
  }

  /** The value of a list setting: `fail_page` of one scope does not hide `max_page_size` of the other. */
  list<K extends 'max_page_size' | 'scan_limit'>(key: K): number | undefined {
    return this.#first(live => live.list?.[key]);
  }

  stream<K extends keyof StreamFaults>(key: K): StreamFaults[K] {
    return this.#first(live => live.stream?.[key]);
  }

  /** The scope's stream settings that satisfy `usable`, to be counted down by the caller. */
  usableStream(usable: (faults: StreamFaults) => boolean): StreamFaults | undefined {
    return this.#first(live => (live.stream !== undefined && usable(live.stream) ? live.stream : undefined));
  }

  #first<T>(read: (live: Live) => T | undefined): T | undefined {
    for (const scope of this.#scopes) {
      const value = read(scope.live);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
