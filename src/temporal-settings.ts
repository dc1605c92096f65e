/** Settings about Temporal, as its own tools read them (`TEMPORAL_*`, profiles); what is not usable is a RangeError. */

import type { WorkerDeploymentVersion } from '@temporalio/common';
import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { errorText } from './error-text.ts';
import { deploymentVersion } from './worker-deployment.ts';

export interface TemporalSettings {
  /** Whether TEMPORAL_* or a profile named a server; else `up` and `demo` start their own. */
  readonly isGiven: boolean;
  readonly address: string;
  readonly namespace: string;
  /** Address, TLS and API key; the certificates are read already. */
  readonly connection: NativeConnectionOptions;
  /** The version of this worker; undefined: it has none. */
  readonly version?: WorkerDeploymentVersion | undefined;
}

type Profile = ReturnType<typeof loadClientConfigProfile>;

/** @param env an empty value counts as unset. */
export function temporalSettings(env: Readonly<Record<string, string | undefined>>): TemporalSettings {
  try {
    const given = Object.fromEntries(Object.entries(env).flatMap(([k, v]) => (v ? [[k, v] as const] : [])));
    const profile = loadClientConfigProfile({ overrideEnvVars: given });
    refuseHalf(profile, given);
    const { connectionOptions, namespace } = toClientOptions(profile);
    const address = connectionOptions.address ?? '127.0.0.1:7233';
    return {
      isGiven: profile.address !== undefined,
      address,
      namespace: namespace ?? 'default',
      connection: { ...connectionOptions, address },
      version: deploymentVersion(name => given[name]?.trim()),
    };
  } catch (error) {
    throw new RangeError(`the TEMPORAL_* settings cannot be used: ${errorText(error)}`);
  }
}

/** What Temporal's library would take for something else, or leave out without a word. */
function refuseHalf({ tls }: Profile, given: Readonly<Record<string, string>>): void {
  const { TEMPORAL_TLS: on } = given;
  // Anything else would switch TLS off, and an API key would travel in clear.
  if (on !== undefined && !/^(true|false|1|0)$/.test(on))
    throw new RangeError(`TEMPORAL_TLS is ${on}: write true or false`);
  if (given.TEMPORAL_TLS_DISABLE_HOST_VERIFICATION !== undefined)
    throw new RangeError(
      'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION is not supported: name the authority with ' +
        'TEMPORAL_TLS_SERVER_CA_CERT_PATH, and the name in the certificate with TEMPORAL_TLS_SERVER_NAME',
    );
  if (tls === undefined || tls.disabled === true || !tls.clientCert === !tls.clientKey) return;
  const [there, missing] = tls.clientCert ? ['certificate', 'KEY'] : ['key', 'CERT'];
  throw new RangeError(
    `there is a client ${there} but only half of the pair: set TEMPORAL_TLS_CLIENT_${missing}_PATH too`,
  );
}
