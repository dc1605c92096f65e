/** One Temporal server serves the whole test run (global-temporal.ts); each test file has a namespace of its own. */
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { msNumberToTs } from '@temporalio/common/lib/time.js';
import { inject } from 'vitest';
import { registerSearchAttributes } from '../../src/register-search-attributes.ts';
import { searchAttributes } from '../../src/search-attributes.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** `host:port` of the run's server. */
    temporalAddress: string;
    /** Every namespace of this run starts with it. */
    temporalNamespacePrefix: string;
  }
}

export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
}

/**
 * A new namespace with our search attributes, named after the test file. Call it once per file with `import.meta.url`,
 * in `beforeAll`. Measured on a development server: usable 25 ms later, at the first try.
 */
export async function temporalForTest(fileUrl: string): Promise<TestTemporal> {
  const address = inject('temporalAddress');
  const file = basename(fileURLToPath(fileUrl)).replace(/\.test\.ts$/, '');
  const namespace = `${inject('temporalNamespacePrefix')}${file}-${randomBytes(3).toString('hex')}`;
  const connection = await Connection.connect({ address });
  try {
    await createNamespace(connection, namespace);
  } finally {
    await connection.close();
  }
  return { address, namespace };
}

const usableLimitMs = 90_000;

async function createNamespace(connection: Connection, namespace: string): Promise<void> {
  const { workflowService } = connection;
  await workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msNumberToTs(86_400_000),
  });
  // A cluster's caches may take a minute to learn of a namespace and of its attributes; a query needs both.
  const deadline = performance.now() + usableLimitMs;
  const query = searchAttributes.map(({ name }) => `${name} IS NULL`).join(' AND ');
  let refused: string | undefined;
  for (;;) {
    try {
      const outcome = await registerSearchAttributes(connection, namespace, searchAttributes);
      refused = outcome.kind === 'refused' ? outcome.reason : undefined;
      await workflowService.countWorkflowExecutions({ namespace, query });
      return;
    } catch (error) {
      if (performance.now() > deadline) throw new Error(refused ?? 'not usable', { cause: error });
      await sleep(50);
    }
  }
}
