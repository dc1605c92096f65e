import { open } from 'node:fs/promises';
import { searchAttributes } from '../search-attributes.ts';
import { serverEnv } from './child-env.ts';
import { freePort, isPortFree } from './free-port.ts';
import { type DynamicConfig, startDevArguments, tunedDynamicConfig } from './temporal-arguments.ts';
import { type FindTemporalOptions, findTemporal, temporalUnavailable } from './temporal-finder.ts';
import { openServerFolder, type ServerFolder } from './temporal-folder.ts';
import { type Readiness, waitUntilServing } from './temporal-readiness.ts';
import { TemporalServerError } from './temporal-server-error.ts';
import { type ProcessExit, spawnTethered, type TetheredProcess } from './tethered-process.ts';

export interface TemporalServerOptions extends FindTemporalOptions {
  /** Holds the database (`temporal.db`: workflows survive a restart) and the log. One server at a time may use it. */
  readonly folder: string;
  /** Of the gRPC service. Absent: a free one. */
  readonly port?: number;
  /** `true`: the web UI on a free port; a number: on that port. Absent: no UI. */
  readonly ui?: boolean | number;
  /** Created at the start, each with our search attributes; the first is the server's `namespace`. Absent: `default`. */
  readonly namespaces?: readonly string[];
  /** Beside, or instead of, `tunedDynamicConfig`'s values of the same keys. */
  readonly dynamicConfig?: DynamicConfig;
  /** From the start of the process until it serves, ms. Default 30 s. */
  readonly startLimitMs?: number;
  /** From SIGTERM to SIGKILL, ms. Default 10 s. */
  readonly stopLimitMs?: number;
}

export interface TemporalServer {
  /** `host:port` of the gRPC service. */
  readonly address: string;
  /** URL of the web UI; undefined without one. */
  readonly uiAddress: string | undefined;
  readonly namespace: string;
  /** Where it came from, for a person: `external`, `path`, `cache`, `download` or `build`. */
  readonly origin: string;
  /** undefined for a server that was not started by us, as is `logFile`. */
  readonly pid: number | undefined;
  readonly logFile: string | undefined;
  /** Settles when the server's process has ended; never for one that we did not start. */
  readonly exited: Promise<ProcessExit>;
  /** Ends the server and frees its folder. A server that we did not start is left alone. May be repeated. */
  close(): Promise<void>;
}

const host = '127.0.0.1';
/** A free port may be taken between our look and the server's; each try takes others. */
const tries = 5;

/**
 * Provides a Temporal server: the one that `external` names, else a development server on loopback that is started
 * here. It is not in the terminal's process group, so a Ctrl-C leaves it up until `close`; it ends by itself when this
 * process ends in any way.
 *
 * @throws TemporalServerError, whose message is for a person: no server can be had, a port or the folder is in use, it
 * did not start (with the end of its log). @throws the signal's reason when that is aborted.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const namespaces = options.namespaces?.length ? options.namespaces : ['default'];
  const namespace = namespaces[0] ?? 'default';
  const source = await findTemporal(options);
  if (source.kind === 'none') throw temporalUnavailable(source.tried);
  if (source.kind === 'external') {
    return {
      address: source.address,
      uiAddress: undefined,
      namespace: source.namespace ?? namespace,
      origin: 'external',
      pid: undefined,
      logFile: undefined,
      exited: new Promise(() => {}),
      close: async () => {},
    };
  }
  const stopLimitMs = options.stopLimitMs ?? 10_000;
  const folder = await openServerFolder(options.folder, stopLimitMs);
  try {
    // Only now: the server of a starter that was killed has ended, so its ports are free again.
    await requireFree('port', options.port);
    await requireFree('UI port', typeof options.ui === 'number' ? options.ui : undefined);
    for (let attempt = 1; ; attempt++) {
      const started = await startOnce(source.path, namespaces, folder, options);
      if (started.kind === 'refused' && attempt < tries) continue;
      if (started.kind === 'refused') throw new TemporalServerError('not-started', started.reason);
      const { server, port, uiPort } = started;
      let closed: Promise<void> | undefined;
      return {
        address: `${host}:${port}`,
        uiAddress: uiPort === undefined ? undefined : `http://${host}:${uiPort}`,
        namespace,
        origin: source.origin,
        pid: server.pid,
        logFile: folder.logFile,
        exited: server.exited,
        // Once: after it the folder may be another server's.
        close: () => {
          closed ??= server.stop(stopLimitMs).then(() => folder.leave());
          return closed;
        },
      };
    }
  } catch (error) {
    await folder.leave();
    throw error;
  }
}

type Started =
  | {
      readonly kind: 'started';
      readonly server: TetheredProcess;
      readonly port: number;
      readonly uiPort: number | undefined;
    }
  /** A port that nobody asked for was taken: worth another try. */
  | { readonly kind: 'refused'; readonly reason: string };

async function startOnce(
  binary: string,
  namespaces: readonly string[],
  folder: ServerFolder,
  options: TemporalServerOptions,
): Promise<Started> {
  const limitMs = options.startLimitMs ?? 30_000;
  const port = options.port ?? (await freePort(host));
  const uiPort = options.ui === true ? await freePort(host) : options.ui || undefined;
  const args = startDevArguments({
    host,
    port,
    uiPort,
    dbFile: folder.dbFile,
    namespaces,
    searchAttributes,
    dynamicConfig: { ...tunedDynamicConfig, ...options.dynamicConfig },
  });
  const log = await open(folder.logFile, 'a');
  const logStart = (await log.stat()).size;
  const server = await spawnTethered(binary, args, { env: serverEnv(options.env), output: log.fd }).finally(
    () => log.close(),
  );
  let readiness: Readiness;
  try {
    await folder.occupy(server.pid);
    readiness = await waitUntilServing(server, {
      host,
      port,
      namespaces,
      logFile: folder.logFile,
      logStart,
      limitMs,
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  if (readiness.kind === 'serving') return { kind: 'started', server, port, uiPort };
  await server.stop(0);
  const said = `the end of its log (${folder.logFile}): ${readiness.tail || 'nothing'}`;
  if (readiness.kind === 'address-in-use') {
    const taken = readiness.port;
    if (taken !== undefined && taken === options.port) throw inUse('port', taken);
    if (taken !== undefined && taken === options.ui) throw inUse('UI port', taken);
    return { kind: 'refused', reason: `The Temporal server found no free ports in ${tries} tries; ${said}` };
  }
  const what =
    readiness.kind === 'late'
      ? `did not serve within ${limitMs} ms`
      : `ended at its start (${readiness.how})`;
  throw new TemporalServerError('not-started', `The Temporal server ${what}; ${said}`);
}

async function requireFree(what: string, port: number | undefined): Promise<void> {
  if (port !== undefined && !(await isPortFree(host, port))) throw inUse(what, port);
}

function inUse(what: string, port: number): TemporalServerError {
  return new TemporalServerError(
    'port-in-use',
    `The ${what} ${port} of ${host} is in use: end what uses it, or choose another`,
  );
}
