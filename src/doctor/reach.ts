/** Whether the Temporal server answers, and if not, which of the many reasons it is. */
import { Connection } from '@temporalio/client';
import { codesOf, DEADLINE_EXCEEDED, detailsOf, PERMISSION_DENIED, UNAUTHENTICATED } from '../grpc-error.ts';
import type { TemporalSettings } from '../temporal-settings.ts';
import { broken, type Finding, ok, oneLine } from './finding.ts';
import { knock, placeOf, speaksHttp1, tryTls } from './knock.ts';

export type Reached =
  /** The caller closes it. */
  | { readonly kind: 'reached'; readonly connection: Connection; readonly finding: Finding }
  | { readonly kind: 'not-reached'; readonly finding: Finding };

const CHECK = 'Temporal';
const KNOCK_MS = 3_000;
/** A server on a machine without a core to spare takes seconds. */
const ASK_MS = 10_000;

export async function reachTemporal(settings: TemporalSettings): Promise<Reached> {
  const { address, connection: options, isGiven } = settings;
  const no = (found: string, mend: string): Reached => ({
    kind: 'not-reached',
    finding: broken(CHECK, found, mend),
  });
  const place = placeOf(address);
  if (place === undefined) return no(`${address} is not an address`, 'write TEMPORAL_ADDRESS as host:7233');
  const knocked = await knock(place, KNOCK_MS);
  if (knocked.kind === 'closed') {
    const start = isGiven
      ? 'start the server, or correct TEMPORAL_ADDRESS'
      : 'start one with `holdfast up`, or set TEMPORAL_ADDRESS';
    switch (knocked.code) {
      case 'ECONNREFUSED':
        return no(`nothing listens on ${address} (a server’s port is 7233, its web UI’s 8233)`, start);
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
        return no(`the name ${place.host} is not known here (DNS)`, 'correct TEMPORAL_ADDRESS');
      case 'silent':
        return no(
          `${address} does not answer within ${KNOCK_MS / 1000} s`,
          'correct TEMPORAL_ADDRESS, or open the firewall',
        );
      default:
        return no(
          `${address} cannot be reached: ${knocked.code}`,
          'correct TEMPORAL_ADDRESS, or the network',
        );
    }
  }
  let probe: Connection;
  try {
    // Without retries, which would hide for seconds what is wrong.
    probe = Connection.lazy({ ...options, interceptors: [] });
  } catch (error) {
    return no(`the connection cannot be made: ${oneLine(error)}`, 'correct the TEMPORAL_* settings');
  }
  try {
    await probe.withDeadline(Date.now() + ASK_MS, () => probe.workflowService.getSystemInfo({}));
    const finding = ok(CHECK, `${address} answers${options.tls ? ', by TLS' : ''}`);
    return { kind: 'reached', connection: Connection.lazy(options), finding };
  } catch (error) {
    return { kind: 'not-reached', finding: await diagnose(settings, error) };
  } finally {
    await probe.close();
  }
}

/** Something listens there, but is not a server that talks with us. */
async function diagnose(
  { address, connection: options }: TemporalSettings,
  error: unknown,
): Promise<Finding> {
  const told = oneLine(detailsOf(error));
  if (isRefusal(error)) return refused(address, told, options.apiKey !== undefined);
  const tls = typeof options.tls === 'object' && options.tls !== null ? options.tls : undefined;
  const place = placeOf(address);
  const ca = tls?.serverRootCACertificate;
  const pair = tls?.clientCertPair;
  const servername = tls?.serverNameOverride;
  const answer = await tryTls(
    place ?? { host: '', port: 0 },
    {
      ...(ca ? { ca: Buffer.from(ca) } : {}),
      ...(pair ? { cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) } : {}),
      ...(servername ? { servername } : {}),
    },
    KNOCK_MS,
  );
  const isWeb = place !== undefined && answer.kind === 'no-tls' && (await speaksHttp1(place, KNOCK_MS));
  const isLate = codesOf(error).includes(DEADLINE_EXCEEDED);
  if (isLate && !isWeb && answer.kind === (options.tls ? 'tls' : 'no-tls'))
    return broken(
      CHECK,
      `${address} takes connections and does not answer within ${ASK_MS / 1000} s`,
      'is it overloaded, still starting, or another program’s port?',
    );
  if (!options.tls)
    return answer.kind === 'no-tls'
      ? broken(
          CHECK,
          `what listens on ${address} is not a Temporal server (${isWeb ? 'a web server' : told})`,
          'correct the port in TEMPORAL_ADDRESS: a server’s is 7233, its web UI’s 8233',
        )
      : broken(
          CHECK,
          `${address} speaks TLS, and the settings say nothing of it`,
          'set TEMPORAL_TLS=true, TEMPORAL_API_KEY or a client certificate (TEMPORAL_TLS_CLIENT_CERT_PATH, …_KEY_PATH)',
        );
  switch (answer.kind) {
    case 'no-tls':
      return broken(
        CHECK,
        `${address} does not speak TLS, and the settings want it (TEMPORAL_TLS, a key or a certificate switches it on)`,
        'set TEMPORAL_TLS=false, or correct the address',
      );
    case 'untrusted':
      return broken(
        CHECK,
        `the certificate of ${address} is not trusted: ${answer.reason}`,
        'name its authority with TEMPORAL_TLS_SERVER_CA_CERT_PATH, its name with TEMPORAL_TLS_SERVER_NAME',
      );
    case 'tls':
      return broken(
        CHECK,
        `${address} speaks TLS but does not talk with us: ${told}`,
        'does it want a client certificate (TEMPORAL_TLS_CLIENT_CERT_PATH, …_KEY_PATH)?',
      );
  }
}

/** Whether the server answered that whoever asks may not. */
export function isRefusal(error: unknown): boolean {
  return codesOf(error).some(code => code === PERMISSION_DENIED || code === UNAUTHENTICATED);
}

export function refused(address: string, told: string, hasKey: boolean): Finding {
  return hasKey
    ? broken(
        CHECK,
        `${address} refuses the API key: ${told}`,
        'correct TEMPORAL_API_KEY (and TEMPORAL_NAMESPACE)',
      )
    : broken(
        CHECK,
        `${address} wants to know who asks: ${told}`,
        'set TEMPORAL_API_KEY or a client certificate',
      );
}
