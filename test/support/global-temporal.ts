/** Vitest global set-up: one Temporal server for the run, the one at TEMPORAL_ADDRESS where that is set. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { TestProject } from 'vitest/node';
import { startTemporalServer } from '../../src/dev/temporal-server.ts';
// For the types of what is provided.
import type {} from './temporal.ts';
import { findOptionsForTests } from './temporal-options.ts';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = randomBytes(4).toString('hex');
  const prefix = `holdfast-test-${run}-`;
  const external = process.env.TEMPORAL_ADDRESS ? { address: process.env.TEMPORAL_ADDRESS } : undefined;
  const folder = join(tmpdir(), `holdfast-test-temporal-${run}`);
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  const server = await startTemporalServer({ ...findOptionsForTests(), external, folder }).catch(
    async (error: unknown) => {
      await removeFolder();
      throw error;
    },
  );
  if (external !== undefined) await tellWhose(external.address);
  project.provide('temporalAddress', server.address);
  project.provide('temporalNamespacePrefix', prefix);
  return async () => {
    if (external) await deleteNamespaces(external.address, prefix);
    await server.close();
    await removeFolder();
  };
}

/** A run on somebody's server must not be taken for more than it is. */
async function tellWhose(address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    const { serverVersion, persistenceStore } = await connection.workflowService.getClusterInfo({});
    process.stderr.write(
      `\nTests use the Temporal server at ${address} (TEMPORAL_ADDRESS): ${serverVersion} on ${persistenceStore}.\n` +
        'NOT on it, but on development servers of their own (SQLite): tests that kill, restart or configure a server\n' +
        '(e2e/outage, activities/on-temporal, dev/, and the servers of demo and chaos in e2e/demo and e2e/chaos).\n\n',
    );
  } finally {
    await connection.close();
  }
}

/** Our own server takes its namespaces along; somebody else's must be left as it was found. */
async function deleteNamespaces(address: string, prefix: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    let nextPageToken: Uint8Array | undefined;
    do {
      const page = await connection.workflowService.listNamespaces({
        pageSize: 100,
        nextPageToken: nextPageToken ?? null,
      });
      for (const { namespaceInfo } of page.namespaces) {
        const namespace = namespaceInfo?.name ?? '';
        if (namespace.startsWith(prefix)) await connection.operatorService.deleteNamespace({ namespace });
      }
      nextPageToken = page.nextPageToken;
    } while (nextPageToken && nextPageToken.length > 0);
  } finally {
    await connection.close();
  }
}
