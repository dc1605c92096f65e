import type { Connection } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';

export interface SearchAttribute {
  readonly name: string;
  readonly type: SearchAttributeType;
}

/** What a `Connection` and a `NativeConnection` have in common here. */
export type OperatorConnection = Pick<Connection, 'operatorService' | 'withDeadline'>;

export type RegisterOutcome =
  | { readonly kind: 'registered'; readonly added: readonly string[] }
  | { readonly kind: 'present' }
  /** The server will not have them: no right to, an attribute of that name with another type, no free slot. */
  | { readonly kind: 'refused'; readonly missing: readonly string[]; readonly reason: string };

/** IndexedValueType of temporal/api/enums/v1/common.proto: the numbers are the wire's. */
const wireType: Readonly<Record<SearchAttributeType, number>> = {
  [SearchAttributeType.TEXT]: 1,
  [SearchAttributeType.KEYWORD]: 2,
  [SearchAttributeType.INT]: 3,
  [SearchAttributeType.DOUBLE]: 4,
  [SearchAttributeType.BOOL]: 5,
  [SearchAttributeType.DATETIME]: 6,
  [SearchAttributeType.KEYWORD_LIST]: 7,
};

const typeName = (wire: number): string =>
  Object.entries(wireType).find(([, value]) => value === wire)?.[0] ?? `type ${wire}`;

/** gRPC CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE: no answer, so neither a refusal nor a success. */
const unanswered = new Set([1, 4, 14]);

function refusalOf(error: unknown): string {
  const { code, details } = error as { code?: unknown; details?: unknown };
  if (typeof code !== 'number' || unanswered.has(code)) throw error;
  return typeof details === 'string' && details !== '' ? details : `gRPC status ${code}`;
}

/**
 * Registers what is missing of `attributes` in a namespace; safe to repeat and to race. Works against any server:
 * where the caller may not (Temporal Cloud, a locked-down cluster) the refusal is an outcome, so that a worker can run
 * without the attributes and say so. `limitMs` bounds each request.
 *
 * @throws the gRPC error when the server gave no answer at all (unavailable, deadline exceeded).
 */
export async function registerSearchAttributes(
  connection: OperatorConnection,
  namespace: string,
  attributes: readonly SearchAttribute[],
  limitMs = 10_000,
): Promise<RegisterOutcome> {
  const { operatorService } = connection;
  let missing = attributes;
  const refused = (reason: string): RegisterOutcome => ({
    kind: 'refused',
    missing: missing.map(({ name }) => name),
    reason,
  });
  try {
    const listed = await missingSearchAttributes(connection, namespace, attributes, limitMs);
    missing = listed.missing;
    if (listed.clash !== undefined) return refused(listed.clash);
    if (missing.length === 0) return { kind: 'present' };
    const add = Object.fromEntries(missing.map(({ name, type }) => [name, wireType[type]]));
    await connection.withDeadline(Date.now() + limitMs, () =>
      operatorService.addSearchAttributes({ namespace, searchAttributes: add }),
    );
    return { kind: 'registered', added: missing.map(({ name }) => name) };
  } catch (error) {
    return refused(refusalOf(error));
  }
}

/**
 * Which of them the namespace lacks, and in words which has another type there.
 *
 * @throws the gRPC error where they cannot be listed.
 */
export async function missingSearchAttributes(
  connection: OperatorConnection,
  namespace: string,
  attributes: readonly SearchAttribute[],
  limitMs: number,
): Promise<{ readonly missing: readonly SearchAttribute[]; readonly clash: string | undefined }> {
  const { customAttributes } = await connection.withDeadline(Date.now() + limitMs, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  const known = customAttributes ?? {};
  const missing = attributes.filter(({ name, type }) => known[name] !== wireType[type]);
  // The server answers OK to an add with another type and keeps the old one: a clash must be seen here.
  const clash = missing.find(({ name }) => known[name] !== undefined);
  if (clash === undefined) return { missing, clash: undefined };
  const there = typeName(known[clash.name] ?? 0);
  return { missing, clash: `${clash.name} is registered there as ${there}, Holdfast needs ${clash.type}` };
}
