/** The server's version, the namespace and what of it Holdfast needs. Only reads. */
import type { Connection } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { Config } from '../config.ts';
import { codesOf, detailsOf, NOT_FOUND } from '../grpc-error.ts';
import { missingSearchAttributes } from '../register-search-attributes.ts';
import { searchAttributes } from '../search-attributes.ts';
import { currentVersion } from '../worker-deployment.ts';
import { broken, type Finding, ok, oneLine, warning } from './finding.ts';
import { isRefusal, refused } from './reach.ts';

const ASK_MS = 8_000;
const DAY_MS = 86_400_000;
/** Updates are the server's since then. */
const OLDEST = [1, 25];
/** Versions of workers, with pinned runs. */
const OLDEST_VERSIONING = [1, 28];

export interface LookedAt {
  readonly findings: readonly Finding[];
  /** Whether workflows can be started there. */
  readonly usable: boolean;
}

export async function lookAtNamespace(connection: Connection, config: Config): Promise<LookedAt> {
  const soon = <T>(request: () => Promise<T>) => connection.withDeadline(Date.now() + ASK_MS, request);
  const { namespace, version } = config.temporal;
  const serverVersion = await soon(() => connection.workflowService.getClusterInfo({})).then(
    info => info.serverVersion ?? '',
    () => '',
  );
  const server = versionFinding(serverVersion, version !== undefined);
  const described = await soon(() => connection.workflowService.describeNamespace({ namespace })).then(
    answer => ({ kind: 'there' as const, answer }),
    (error: unknown) => ({ kind: 'not-there' as const, error }),
  );
  if (described.kind === 'not-there')
    return { findings: [server, notThere(config, described.error)], usable: false };
  const { answer } = described;
  const retentionMs = tsToMs(answer.config?.workflowExecutionRetentionTtl);
  const attributes = await attributesFinding(connection, namespace);
  const deployment = version === undefined ? [] : [await deploymentFinding(connection, namespace, version)];
  return { findings: [server, retention(config, retentionMs), attributes, ...deployment], usable: true };
}

function notThere({ temporal: { namespace, address, connection } }: Config, error: unknown): Finding {
  const told = oneLine(detailsOf(error));
  if (isRefusal(error)) return refused(address, told, connection.apiKey !== undefined);
  return codesOf(error).includes(NOT_FOUND)
    ? broken(
        'namespace',
        `${namespace} is not there`,
        `holdfast setup --namespace ${namespace}, or correct TEMPORAL_NAMESPACE`,
      )
    : broken('namespace', `${namespace} cannot be looked at: ${told}`, 'look at the server');
}

function versionFinding(version: string, wantsVersioning: boolean): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOlder = ([a = 0, b = 0]: readonly number[]) => major < a || (major === a && minor < b);
  if (version === '') return ok('server', 'does not tell its version, as Temporal Cloud');
  if (isOlder(OLDEST))
    return broken('server', `version ${version} is too old`, `use ${OLDEST.join('.')} or newer`);
  if (wantsVersioning && isOlder(OLDEST_VERSIONING))
    return broken(
      'server',
      `version ${version} has no versions of workers`,
      `use ${OLDEST_VERSIONING.join('.')} or newer, or unset TEMPORAL_WORKER_BUILD_ID and TEMPORAL_DEPLOYMENT_NAME`,
    );
  return ok('server', `version ${version}`);
}

function retention({ temporal: { namespace }, keep, hostLostMs }: Config, retentionMs: number): Finding {
  const days = Math.round((retentionMs / DAY_MS) * 10) / 10;
  const found = `${namespace} keeps ended runs for ${days} day${days === 1 ? '' : 's'}`;
  if (hostLostMs === 0 || retentionMs >= (keep.afterMs ?? Number.POSITIVE_INFINITY))
    return ok('namespace', found);
  const kept = keep.afterMs === null ? 'for ever' : `for ${keep.text}`;
  const wanted = keep.afterMs === null ? '90d' : `${Math.ceil(keep.afterMs / DAY_MS)}d`;
  return warning(
    'namespace',
    `${found}, workspaces are kept ${kept}: a session that comes back later may be served without its files`,
    `holdfast setup --retention ${wanted}, or lower HOLDFAST_KEEP`,
  );
}

async function attributesFinding(connection: Connection, namespace: string): Promise<Finding> {
  const check = 'attributes';
  try {
    const { missing, clash } = await missingSearchAttributes(connection, namespace, searchAttributes, ASK_MS);
    if (clash !== undefined)
      return broken(check, clash, 'remove it there; no other program may use the name');
    if (missing.length === 0) return ok(check, 'the search attributes are registered');
    const names = missing.map(({ name }) => name).join(', ');
    return warning(check, `not registered: ${names}`, 'holdfast setup (a worker does it too, where it may)');
  } catch (error) {
    return warning(
      check,
      `the search attributes cannot be listed: ${oneLine(detailsOf(error))}`,
      `register ${searchAttributes.map(({ name }) => name).join(', ')} by hand, or go without`,
    );
  }
}

async function deploymentFinding(
  connection: Connection,
  namespace: string,
  version: NonNullable<Config['temporal']['version']>,
): Promise<Finding> {
  const { deploymentName, buildId } = version;
  try {
    const current = await currentVersion(connection, namespace, version);
    if (current.kind === 'current') return ok('build', `new sessions go to ${buildId} of ${deploymentName}`);
    return warning('build', current.found, current.mend);
  } catch (error) {
    return warning('build', `cannot ask which is current: ${oneLine(error)}`, 'look at the server');
  }
}
