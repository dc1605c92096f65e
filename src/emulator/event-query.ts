/** Reads the query of `GET …/events` and its opaque page cursor (api.md §1.1, §1.3). */
import { ApiError } from './api-error.ts';
import { microsOf } from './clock.ts';
import type { Slice } from './event-log.ts';
import { EVENT_TYPES } from './event-types.ts';

const MAX_LIMIT = 1000;

/** A list request; `pageNumber` counts from 1 and travels in the cursor. */
export interface EventQuery {
  readonly slice: Slice;
  readonly pageNumber: number;
}

interface Cursor {
  readonly order: 'asc' | 'desc';
  readonly position: number;
  readonly pageNumber: number;
}

/** The list that a query string asks for; a value that the API refuses is a 400 that names it. */
export function readEventQuery(params: URLSearchParams): EventQuery {
  const cursor = readCursor(params.get('page'));
  const order = readOrder(params.get('order')) ?? cursor?.order ?? 'asc';
  if (cursor !== undefined && cursor.order !== order) {
    throw new ApiError(400, `order: the page cursor was made for order=${cursor.order}, not order=${order}`);
  }
  const types = [...params.getAll('types[]'), ...params.getAll('types')];
  for (const type of types) {
    if (!EVENT_TYPES.has(type))
      throw new ApiError(400, `types: ${JSON.stringify(type)} is not an event type`);
  }
  const from = highest(bound(params, 'gte'), after(bound(params, 'gt')));
  const before = lowest(bound(params, 'lt'), after(bound(params, 'lte')));
  return {
    pageNumber: cursor?.pageNumber ?? 1,
    slice: {
      order,
      limit: readLimit(params.get('limit')),
      ...(types.length > 0 && { types: new Set(types) }),
      ...(from !== undefined && { from }),
      ...(before !== undefined && { before }),
      ...(cursor !== undefined && { position: cursor.position }),
    },
  };
}

export function writeCursor(cursor: Cursor): string {
  return `page_${Buffer.from(JSON.stringify(cursor)).toString('base64url')}`;
}

function readCursor(page: string | null): Cursor | undefined {
  if (page === null || page === '') return undefined;
  try {
    const cursor = JSON.parse(Buffer.from(page.replace(/^page_/, ''), 'base64url').toString()) as Cursor;
    if (Number.isInteger(cursor.position) && readOrder(cursor.order) !== undefined) return cursor;
  } catch {
    // Not one of ours: refused below, like every other text.
  }
  throw new ApiError(400, `page: ${JSON.stringify(page)} is not a page cursor of this list`);
}

function readOrder(order: string | null): 'asc' | 'desc' | undefined {
  if (order === null) return undefined;
  if (order === 'asc' || order === 'desc') return order;
  throw new ApiError(400, `order: must be asc or desc, not ${JSON.stringify(order)}`);
}

function readLimit(limit: string | null): number {
  if (limit === null) return MAX_LIMIT;
  const number = Number(limit);
  if (Number.isInteger(number) && number >= 1 && number <= MAX_LIMIT) return number;
  throw new ApiError(400, `limit: must be between 1 and ${MAX_LIMIT}, not ${JSON.stringify(limit)}`);
}

function bound(params: URLSearchParams, operator: 'gt' | 'gte' | 'lt' | 'lte'): number | undefined {
  const name = `created_at[${operator}]`;
  const time = params.get(name);
  if (time === null) return undefined;
  const micros = microsOf(time);
  if (micros === undefined)
    throw new ApiError(400, `${name}: ${JSON.stringify(time)} is not an RFC 3339 time`);
  return micros;
}

function after(micros: number | undefined): number | undefined {
  return micros === undefined ? undefined : micros + 1;
}

function highest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b);
}

function lowest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}
