/** Makes a Temporal namespace ready for Holdfast; harmless however often. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { msNumberToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { ALREADY_EXISTS, codesOf, detailsOf, NOT_FOUND } from './grpc-error.ts';
import { type RegisterOutcome, registerSearchAttributes } from './register-search-attributes.ts';
import { searchAttributes } from './search-attributes.ts';

export interface SetupOptions {
  readonly namespace: string;
  /** Whether the namespace is made where there is none. */
  readonly create: boolean;
  /** Milliseconds for which ended runs are kept; undefined: as it is, or for a new namespace the standard. */
  readonly retentionMs: number | undefined;
}

export interface SetupReport {
  readonly namespace: string;
  /** What was done about it. */
  readonly namespaceWas: 'made' | 'there';
  readonly retentionMs: number;
  /** What it was before, where that was changed. */
  readonly retentionBeforeMs: number | null;
  readonly searchAttributes: RegisterOutcome;
}

/** The server will not do it; the message says what to do. */
export class SetupError extends Error {
  override name = 'SetupError';
}

/** Longer than workspaces are kept by default. */
export const STANDARD_RETENTION_MS = 30 * 86_400_000;
const ASK_MS = 20_000;
/** A cluster's caches may take a minute to learn of a namespace and of its attributes. */
const USABLE_MS = 90_000;

/** What is refused for longer is refused for good. */
const SETTLED_MS = 30_000;

/** @throws SetupError, or what Temporal answers. */
export async function setUp(connection: Connection, options: SetupOptions): Promise<SetupReport> {
  const { namespace } = options;
  const { was, retentionMs, beforeMs } = await ready(connection, options);
  const from = performance.now();
  const attributes = await untilKnown(async () => {
    const outcome = await registerSearchAttributes(connection, namespace, searchAttributes);
    // A namespace that has just been made is not known to all of a server at once.
    const isFresh = was === 'made' && performance.now() - from < SETTLED_MS;
    if (outcome.kind === 'refused' && isFresh) throw new Error(outcome.reason);
    return outcome;
  });
  if (attributes.kind !== 'refused') await untilKnown(() => queryWithAttributes(connection, namespace));
  return {
    namespace,
    namespaceWas: was,
    retentionMs,
    retentionBeforeMs: beforeMs,
    searchAttributes: attributes,
  };
}

interface Ready {
  readonly was: SetupReport['namespaceWas'];
  readonly retentionMs: number;
  readonly beforeMs: number | null;
}

async function ready(connection: Connection, options: SetupOptions): Promise<Ready> {
  const { namespace, create, retentionMs } = options;
  const found = await retentionOf(connection, namespace);
  if (found === undefined) {
    if (!create)
      throw new SetupError(
        `namespace ${namespace} is not there: make it with \`holdfast setup --namespace ${namespace}\`, or set TEMPORAL_NAMESPACE`,
      );
    const made = retentionMs ?? STANDARD_RETENTION_MS;
    return {
      was: (await make(connection, namespace, made)) ? 'made' : 'there',
      retentionMs: made,
      beforeMs: null,
    };
  }
  if (retentionMs === undefined || retentionMs === found)
    return { was: 'there', retentionMs: found, beforeMs: null };
  await asked(`the retention of namespace ${namespace} cannot be changed`, connection, () =>
    connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: msNumberToTs(retentionMs) },
    }),
  );
  return { was: 'there', retentionMs, beforeMs: found };
}

/** @returns undefined where there is no such namespace. */
async function retentionOf(connection: Connection, namespace: string): Promise<number | undefined> {
  try {
    const { config } = await connection.withDeadline(Date.now() + ASK_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return tsToMs(config?.workflowExecutionRetentionTtl);
  } catch (error) {
    if (codesOf(error).includes(NOT_FOUND)) return undefined;
    throw error;
  }
}

/** @returns whether it was us who made it. */
async function make(connection: Connection, namespace: string, retentionMs: number): Promise<boolean> {
  try {
    await connection.withDeadline(Date.now() + ASK_MS, () =>
      connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: msNumberToTs(retentionMs),
      }),
    );
    return true;
  } catch (error) {
    if (codesOf(error).includes(ALREADY_EXISTS)) return false;
    throw new SetupError(
      `namespace ${namespace} cannot be made: ${detailsOf(error)} (on Temporal Cloud, make it in its console)`,
      { cause: error },
    );
  }
}

async function asked(what: string, connection: Connection, request: () => Promise<unknown>): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + ASK_MS, request);
  } catch (error) {
    throw new SetupError(`${what}: ${detailsOf(error)}`, { cause: error });
  }
}

function queryWithAttributes(connection: Connection, namespace: string): Promise<unknown> {
  const query = searchAttributes.map(({ name }) => `${name} IS NULL`).join(' AND ');
  return connection.withDeadline(Date.now() + ASK_MS, () =>
    connection.workflowService.countWorkflowExecutions({ namespace, query }),
  );
}

async function untilKnown<T>(request: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + USABLE_MS;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (performance.now() > deadline)
        throw new SetupError(
          `the server does not know what was registered yet: ${detailsOf(error)}; run it again`,
          {
            cause: error,
          },
        );
      await sleep(200);
    }
  }
}
