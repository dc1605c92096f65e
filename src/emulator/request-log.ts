import type { Route } from './faults.ts';

/** A request as it arrived, and how it was answered. */
export interface RequestEntry {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Unix ms of its arrival. */
  readonly at: number;
  route: Route | null;
  session_id: string | null;
  /** The work item of a request on the work queue. */
  work_id: string | null;
  /** Null until it is answered; stays null where a fault cut the connection. */
  status: number | null;
  /** Of the answer's body, for a list of events. */
  bytes: number | null;
}

/** The last requests, oldest first. */
export class RequestLog {
  readonly #limit: number;
  #entries: RequestEntry[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(entry: RequestEntry): void {
    this.#entries.push(entry);
    // Cut in bulk, so that a full log costs nothing per request.
    if (this.#entries.length >= this.#limit * 2) this.#entries = this.#entries.slice(-this.#limit);
  }

  all(): RequestEntry[] {
    return this.#entries.slice(-this.#limit);
  }

  clear(): void {
    this.#entries = [];
  }
}
