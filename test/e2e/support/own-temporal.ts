/** A Temporal server of a test's own, which may be killed and come back on the same database and port. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { startTemporalServer, type TemporalServer } from '../../../src/dev/temporal-server.ts';
import { findOptionsForTests } from '../../support/temporal-options.ts';

export interface OwnTemporal {
  readonly address: string;
  readonly namespace: string;
  /** SIGKILL, as the kernel's out-of-memory killer sends it. Resolves when the process is gone. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** Ends with the test; call it before `world`, whose end asks the server. */
export async function ownTemporal({ onTestFinished }: TestContext): Promise<OwnTemporal> {
  const folder = await mkdtemp(join(tmpdir(), 'hft-'));
  let server = await start(folder);
  const port = Number(server.address.split(':').at(-1));
  onTestFinished(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    address: server.address,
    namespace: server.namespace,
    async kill() {
      process.kill(server.pid ?? 0, 'SIGKILL');
      await server.exited;
      await server.close();
    },
    async restart() {
      server = await start(folder, port);
    },
  };
}

function start(folder: string, port?: number): Promise<TemporalServer> {
  return startTemporalServer({ ...findOptionsForTests(), folder, ...(port === undefined ? {} : { port }) });
}
