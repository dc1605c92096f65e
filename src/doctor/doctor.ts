/** Looks at everything that a worker of this configuration needs. Changes nothing, and needs no worker. */
import type { Connection } from '@temporalio/client';
import type { Env } from '../config.ts';
import { createTemporalClient } from '../data-converter.ts';
import { isWanted } from '../wanted-hosts.ts';
import { lookAtApi, lookAtWebhookKey } from './api.ts';
import { lookAtDispatch } from './dispatch.ts';
import { lookAtEncryption } from './encryption.ts';
import { type Finding, limited, skipped } from './finding.ts';
import { lookForLeftovers } from './leftovers.ts';
import { lookAtMachine } from './machine.ts';
import { lookAtNamespace } from './namespace.ts';
import { reachTemporal } from './reach.ts';
import { isUnusable, readSettings, redactor, type Settings } from './settings.ts';
import { lookAtStateFolder } from './state-folder.ts';
import { lookAtTools } from './tools.ts';

/** For each part; a tools module may take ten seconds to hang. */
const LIMIT_MS = 30_000;

/**
 * Resolves with what was found, in the order in which a person mends things. Never rejects for what is wrong with the
 * set-up; holds no secret.
 */
export async function examine(env: Env): Promise<readonly Finding[]> {
  const settings = readSettings(env);
  const { config } = settings;
  const part = (check: string, work: () => Promise<readonly Finding[]>) => limited(check, LIMIT_MS, work);
  const all = await Promise.all([
    settings.findings,
    temporal(settings, part),
    part('API', () => api(settings)),
    part('webhook', async () => lookAtWebhookKey(config)),
    part('machine', () => lookAtMachine({ path: config.toolEnv.PATH ?? '' })),
    part('state folder', () => lookAtStateFolder(config)),
    part('tools', () => lookAtTools(config)),
  ]);
  const redact = redactor(env);
  return all.flat().map(finding => ({
    ...finding,
    found: redact(finding.found),
    ...(finding.mend === undefined ? {} : { mend: redact(finding.mend) }),
  }));
}

type Part = (check: string, work: () => Promise<readonly Finding[]>) => Promise<readonly Finding[]>;

async function api({ config, unusable }: Settings): Promise<readonly Finding[]> {
  // A key must not go to another address than the one that was meant.
  if (isUnusable(unusable, /^ANTHROPIC_(BASE_URL|CUSTOM_HEADERS)$/))
    return [skipped('API', 'not asked, as its settings cannot be used')];
  return lookAtApi(config);
}

async function temporal({ config, unusable }: Settings, part: Part): Promise<readonly Finding[]> {
  const leftovers = (connection?: Connection) =>
    part('leftovers', () => {
      const client = connection && createTemporalClient(config, connection);
      return lookForLeftovers({ stateDir: config.stateDir, isWanted: client && isWanted(client) });
    });
  const encryption = (connection?: Connection) =>
    part('encryption', () => lookAtEncryption(connection, config));
  const unasked = async (why: string) => [
    ...[skipped('namespace', why), skipped('dispatch', why)],
    ...(await encryption()),
  ];
  if (isUnusable(unusable, /^TEMPORAL_/))
    return [skipped('Temporal', 'not asked, as its settings cannot be used'), ...(await leftovers())];
  const reached = await reachTemporal(config.temporal);
  if (reached.kind === 'not-reached')
    return [
      reached.finding,
      ...(await unasked('not looked at, as Temporal is not reached')),
      ...(await leftovers()),
    ];
  const { connection } = reached;
  try {
    let usable = false;
    const namespace = await part('namespace', async () => {
      const looked = await lookAtNamespace(connection, config);
      usable = looked.usable;
      return looked.findings;
    });
    const { address, namespace: name } = config.temporal;
    const dispatch = usable
      ? await part('dispatch', async () => [await lookAtDispatch(connection, name, address)])
      : [skipped('dispatch', 'not measured, as the namespace cannot be used')];
    return [
      reached.finding,
      ...namespace,
      ...dispatch,
      ...(await encryption(usable ? connection : undefined)),
      ...(await leftovers(usable ? connection : undefined)),
    ];
  } finally {
    await connection.close();
  }
}
