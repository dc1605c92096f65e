/** Whether payloads are encrypted, and whether everybody who must read them has the key. */
import type { Connection } from '@temporalio/client';
import type { Config } from '../config.ts';
import { type KeyRing, loadKeyRing, SealingError } from '../key-ring.ts';
import { KEY_MEND, keysOfWorkers, unreadableRuns, type WorkerKeys } from '../keys-in-use.ts';
import { broken, type Finding, ok, oneLine, skipped, warning } from './finding.ts';

const CHECK = 'encryption';

/** @param connection undefined: what is at the server cannot be asked for. */
export async function lookAtEncryption(
  connection: Connection | undefined,
  config: Config,
): Promise<readonly Finding[]> {
  const ring = await loadKeyRing(config).catch(error => {
    if (error instanceof SealingError) return undefined;
    throw error;
  });
  if (ring === undefined) return [skipped(CHECK, 'not looked at, as the key cannot be used')];
  const own = ownFinding(config, ring);
  if (connection === undefined) return [own];
  const { namespace } = config.temporal;
  try {
    const others = [
      ...(await unreadableRuns(connection, namespace, ring)).map(line => broken(CHECK, line, KEY_MEND)),
      ...differing(await keysOfWorkers(connection, namespace), config, ring),
    ];
    return others.length > 0 ? others : [own];
  } catch (error) {
    return [
      own,
      warning(CHECK, `the server does not tell who encrypts: ${oneLine(error)}`, 'ask again later'),
    ];
  }
}

function ownFinding({ encryptsPayloads, oldKeys }: Config, { current }: KeyRing): Finding {
  if (!encryptsPayloads)
    return ok(CHECK, 'off: who may read the namespace reads what agents did (HOLDFAST_ENCRYPT=payloads)');
  if (current === undefined)
    return warning(
      CHECK,
      'payloads are to be encrypted and there is no key yet: the first worker makes a key file',
      'set HOLDFAST_KEY, the same on all workers and clients; the file serves this host alone',
    );
  const old = oldKeys.length === 0 ? '' : `, ${oldKeys.length} more decrypt`;
  return ok(CHECK, `payloads are encrypted with key ${current.id}${old}`);
}

function differing(
  workers: readonly WorkerKeys[],
  { encryptsPayloads }: Config,
  { current }: KeyRing,
): Finding[] {
  const own = encryptsPayloads ? current?.id : undefined;
  const said = (id: string | undefined) =>
    id === undefined ? 'does not encrypt' : `encrypts with key ${id}`;
  const ids = [...new Set(workers.map(({ encrypts }) => encrypts))];
  if (ids.length > 1) {
    const each = workers.map(({ name, encrypts }) => `${name} ${said(encrypts)}`);
    return [
      warning(
        CHECK,
        `workers of the last two minutes differ: ${each.slice(0, 4).join(', ')}`,
        'give all the same HOLDFAST_ENCRYPT and HOLDFAST_KEY; in a rotation every one needs both keys',
      ),
    ];
  }
  if (ids.length === 0 || ids[0] === own) return [];
  return [
    warning(
      CHECK,
      `a worker that is up ${said(ids[0])}, with the settings here it ${said(own)}`,
      'set HOLDFAST_ENCRYPT and HOLDFAST_KEY as the workers have them',
    ),
  ];
}
