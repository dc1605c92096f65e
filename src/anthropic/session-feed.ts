/** A session's events on the wire: transport only. What an event means is decided in `session/` alone. */
import type { Anthropic } from '@anthropic-ai/sdk';
import type { EventListParams, EventSendParams } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import { failpoint } from '../failpoint.ts';
import { withDeadline } from './deadline.ts';
import { type RawEvent, readEvents } from './event-stream.ts';
import type { Lane, RequestBudget } from './request-budget.ts';

export interface SessionFeed {
  /** The API's origin, for messages. */
  readonly address: string;
  /**
   * Resolves when the server has answered with a stream: from then on no event is missed (I3).
   * Ends when `signal` aborts; it must be aborted once the stream is no longer read.
   */
  openStream(sessionId: string, options: StreamOptions): Promise<AsyncGenerator<RawEvent, void, undefined>>;
  /** Yields page after page; a page that is not `{data: […], next_page}` throws. */
  listPages(sessionId: string, query?: ListQuery): AsyncGenerator<readonly RawEvent[], void, undefined>;
  /** Posts `events` in one request. @returns the server's echoes; [] when its answer held none. */
  send(sessionId: string, events: EventSendParams['events'], signal?: AbortSignal): Promise<RawEvent[]>;
  retrieve(sessionId: string, signal?: AbortSignal): Promise<SessionInfo>;
}

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** Milliseconds without a byte (pings count) after which the stream is cut (90,000). */
  readonly silenceMs?: number;
}

export type ListedType = NonNullable<EventListParams['types']>[number];

export interface ListQuery {
  readonly types?: readonly ListedType[];
  /** Inclusive, compared with `processed_at` (`created_at[gte]`). */
  readonly since?: string | null;
  readonly order?: 'asc' | 'desc';
  /** Events per page (1,000). */
  readonly limit?: number;
  /** Whom it is for, where requests are short (`call`). */
  readonly lane?: Lane;
  readonly signal?: AbortSignal;
}

export interface SessionInfo {
  readonly id: string;
  readonly status: string;
  readonly title: string | null;
  readonly environmentId: string | null;
  readonly archived: boolean;
  /** How many memory stores are attached to it. */
  readonly memoryStores: number;
}

export interface FeedOptions {
  /** Milliseconds for one request with its whole answer; a stream's: until it is open (20,000). */
  readonly requestMs?: number;
  /** What requests wait for their turn at; time spent there does not count for `requestMs`. */
  readonly budget?: RequestBudget;
  readonly log?: (line: string) => void;
}

const SILENCE_MS = 90_000;

export function createSessionFeed(client: Anthropic, options: FeedOptions = {}): SessionFeed {
  const requestMs = options.requestMs ?? 20_000;
  const log = options.log ?? (line => console.warn(line));
  const events = client.beta.sessions.events;
  const nameless = createNameless(log);

  /** One request with its whole answer, when it is its turn. */
  function exchange<T>(
    lane: Lane,
    signal: AbortSignal | undefined,
    work: (inner: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return spend(lane, () => withDeadline(requestMs, signal, work), signal);
  }

  function spend<T>(lane: Lane, request: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return options.budget === undefined ? request() : options.budget.spend(lane, request, signal);
  }

  async function openStream(
    sessionId: string,
    { signal, silenceMs }: StreamOptions,
  ): Promise<AsyncGenerator<RawEvent, void, undefined>> {
    const request = new AbortController();
    const abort = () => request.abort(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', abort, { once: true });
    const close = () => {
      signal.removeEventListener('abort', abort);
      request.abort();
    };
    try {
      const response = await spend(
        'listen',
        async () => events.stream(sessionId, {}, { signal: request.signal, timeout: requestMs }).asResponse(),
        request.signal,
      );
      const stream = readEvents(response, { silenceMs: silenceMs ?? SILENCE_MS, log });
      return follow(stream, event => nameless.check(sessionId, event), close);
    } catch (error) {
      close();
      throw signal.aborted ? signal.reason : error;
    }
  }

  async function* listPages(
    sessionId: string,
    { types, since, order, limit, lane = 'call', signal }: ListQuery = {},
  ): AsyncGenerator<readonly RawEvent[], void, undefined> {
    const query: EventListParams = {
      limit: limit ?? 1000,
      ...(types ? { types: [...types] } : {}),
      ...(since ? { 'created_at[gte]': since } : {}),
      ...(order ? { order } : {}),
    };
    const cursors = new Set<string>();
    for (let page: string | null = null; ; ) {
      const params: EventListParams = page === null ? query : { ...query, page };
      const body = await exchange(lane, signal, async inner => {
        const response = await events.list(sessionId, params, { signal: inner }).asResponse();
        return JSON.parse(await response.text()) as unknown;
      });
      const { data, next } = pageOf(body);
      for (const event of data) nameless.check(sessionId, event);
      yield data;
      if (next === null) return;
      if (cursors.has(next)) throw new Error('the list answered with the same next_page twice');
      cursors.add(next);
      page = next;
    }
  }

  return {
    address: new URL(client.baseURL).origin,
    openStream,
    listPages,
    send: (sessionId, sent, signal) =>
      exchange('post', signal, async inner => {
        const response = await events.send(sessionId, { events: sent }, { signal: inner }).asResponse();
        await failpoint('post.accepted', sessionId);
        return echoes(await response.text());
      }),
    retrieve: (sessionId, signal) =>
      exchange('start', signal, async inner => {
        const session = await client.beta.sessions.retrieve(sessionId, {}, { signal: inner });
        const { id, status, title = null, environment_id: environmentId = null } = session;
        const archived = (session.archived_at ?? null) !== null;
        const memoryStores = (session.resources ?? []).filter(({ type }) => type === 'memory_store').length;
        return { id, status, title, environmentId, archived, memoryStores };
      }),
  };
}

async function* follow(
  source: AsyncGenerator<RawEvent, void, undefined>,
  look: (event: RawEvent) => void,
  close: () => void,
): AsyncGenerator<RawEvent, void, undefined> {
  try {
    for await (const event of source) {
      look(event);
      yield event;
    }
  } finally {
    close();
  }
}

function pageOf(body: unknown): { data: readonly RawEvent[]; next: string | null } {
  const page = body as { data?: unknown; next_page?: unknown } | null;
  if (!Array.isArray(page?.data)) throw new Error('the list answered without `data`');
  const data = page.data.filter(event => typeof event === 'object' && event !== null) as RawEvent[];
  return { data, next: typeof page.next_page === 'string' && page.next_page !== '' ? page.next_page : null };
}

/** A 2xx means that the events were taken; an unreadable echo is no reason to post them again. */
function echoes(text: string): RawEvent[] {
  try {
    return [...pageOf(JSON.parse(text)).data];
  } catch {
    return [];
  }
}

const REMEMBERED = 1_000;

/** Says once per session that it has calls without an id: nobody can answer those, so nobody runs them. */
function createNameless(log: (line: string) => void) {
  const told = new Set<string>();
  return {
    check(sessionId: string, event: RawEvent): void {
      const { id, type } = event;
      if (type !== 'agent.tool_use' && type !== 'agent.custom_tool_use') return;
      if ((typeof id === 'string' && id !== '') || told.has(sessionId)) return;
      if (told.size >= REMEMBERED) told.clear();
      told.add(sessionId);
      log(`session ${sessionId}: an ${type} without an id was left out, since nobody could answer it`);
    },
  };
}
