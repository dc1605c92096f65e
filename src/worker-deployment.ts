/**
 * Worker versioning (docs/upgrades.md): with a deployment's name and a build id, runs stay on the build that they
 * began on, and go over to the current one when they continue as new. Only the queue of the workflows has versions.
 * Listeners and tools are activities that any build may take, and a host's own queues must not be versioned: a server
 * knows at most a hundred queues of a version, and two builds on a host share its tool hosts.
 */
import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { Logger, NativeConnection, WorkerOptions } from '@temporalio/worker';
import { errorText } from './error-text.ts';
import { codesOf, NOT_FOUND } from './grpc-error.ts';

const NAME = 'TEMPORAL_DEPLOYMENT_NAME';
const BUILD = 'TEMPORAL_WORKER_BUILD_ID';

/**
 * The names that Temporal's worker controller sets.
 *
 * @throws RangeError for half of the pair, and for what a server does not take.
 */
export function deploymentVersion(
  get: (name: string) => string | undefined,
): WorkerDeploymentVersion | undefined {
  const deploymentName = get(NAME);
  const buildId = get(BUILD);
  if (deploymentName === undefined && buildId === undefined) return undefined;
  if (deploymentName === undefined || buildId === undefined) {
    const [there, missing] = deploymentName === undefined ? [BUILD, NAME] : [NAME, BUILD];
    throw new RangeError(`${there} is set and ${missing} is not: a version of a worker needs both`);
  }
  const odd = [NAME, BUILD].find(name => /[:\s]/.test(get(name) ?? '') || (get(name) ?? '').length > 200);
  if (odd !== undefined) throw new RangeError(`${odd} must be without spaces and colons, and short`);
  if (deploymentName.includes('.')) throw new RangeError(`${NAME} must not hold a dot`);
  return { deploymentName, buildId };
}

/** For the worker of the workflows' queue; nothing where there is no version. */
export function versioned(
  version: WorkerDeploymentVersion | undefined,
): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (version === undefined) return {};
  return {
    workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' },
  };
}

export type CurrentVersion =
  | { readonly kind: 'current' }
  /** `found` says where new sessions go instead, `mend` is the command that makes this build the current one. */
  | { readonly kind: 'other'; readonly found: string; readonly mend: string };

type AnyConnection = Pick<NativeConnection, 'workflowService' | 'withDeadline'>;

const ASK_MS = 5_000;

/** Which build new sessions go to. Rejects where the server does not say. */
export async function currentVersion(
  connection: AnyConnection,
  namespace: string,
  { deploymentName, buildId }: WorkerDeploymentVersion,
): Promise<CurrentVersion> {
  const mend = `temporal worker deployment set-current-version --deployment-name ${deploymentName} --build-id ${buildId} --yes`;
  const other = (current?: string | null): CurrentVersion => {
    const to = current ? `build ${current}` : 'workers without a version';
    const found = `new sessions go to ${to}, not to build ${buildId} of ${deploymentName}`;
    return { kind: 'other', found, mend };
  };
  try {
    const { workerDeploymentInfo } = await connection.withDeadline(Date.now() + ASK_MS, () =>
      connection.workflowService.describeWorkerDeployment({ namespace, deploymentName }),
    );
    const current = workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId;
    return current === buildId ? { kind: 'current' } : other(current);
  } catch (error) {
    if (codesOf(error).includes(NOT_FOUND)) return other();
    throw error;
  }
}

/** Says once where new sessions go: a version that nobody made current serves none, without an error anywhere. */
export async function sayCurrent(
  connection: AnyConnection,
  namespace: string,
  version: WorkerDeploymentVersion,
  logger: Logger,
): Promise<void> {
  try {
    const current = await currentVersion(connection, namespace, version);
    if (current.kind === 'current') return;
    logger.warn(`${current.found}, until: ${current.mend}`);
  } catch (error) {
    logger.debug(`cannot ask which version is current: ${errorText(error)}`);
  }
}
