/** A Temporal server of our own, for a machine that is to do without one: `up`, and a backend's own worker. */
import { join } from 'node:path';
import type { Config } from './config.ts';
import { startTemporalServer, type TemporalServer } from './dev/temporal-server.ts';

/** The server that TEMPORAL_* names, or one of our own whose database stays in the state folder. */
export function embeddedServer(
  config: Config,
  options: { readonly port?: number; readonly ui?: boolean | number; readonly folder?: string },
): Promise<TemporalServer> {
  const { isGiven, address, namespace } = config.temporal;
  return startTemporalServer({
    env: config.env,
    cacheDir: config.cacheDir,
    folder: options.folder ?? join(config.stateDir, 'temporal'),
    output: process.stderr,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.ui === undefined ? {} : { ui: options.ui }),
    ...(isGiven ? { external: { address, namespace } } : {}),
  });
}

export function withServer(config: Config, server: TemporalServer): Config {
  if (config.temporal.isGiven) return config;
  const { address, namespace } = server;
  // Without a version: on a server of our own nobody would make one the current one.
  return { ...config, temporal: { isGiven: true, address, namespace, connection: { address } } };
}

/** Nobody else is there to take a session over. */
export function onlyHost(config: Config): Config {
  return { ...config, hostLostMs: config.hostLostMs ?? 0 };
}
