/** The id of this machine in a state folder: the name of its queues, and the beginning of its incarnations. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readJson, writeDurably } from './durable-file.ts';
import { exclusively } from './exclusive.ts';
import { shortHash } from './paths.ts';

interface HostIdRecord {
  readonly id: string;
  readonly machine: string;
}

const WAIT_MS = 10_000;

/**
 * Reads the id, or makes one. A copy of the state folder on another machine gets another id: two machines must not
 * poll one queue of workspaces.
 */
export async function hostId(stateDir: string): Promise<string> {
  const known = await knownHostId(stateDir);
  if (known !== undefined) return known;
  const machine = await machineMark();
  const path = join(stateDir, 'host-id');
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  return exclusively(path, WAIT_MS, async () => {
    const meanwhile = await readJson<HostIdRecord>(path);
    if (meanwhile?.machine === machine) return meanwhile.id;
    const record: HostIdRecord = { id: randomBytes(6).toString('hex'), machine };
    await writeDurably(path, JSON.stringify(record));
    return record.id;
  });
}

/** The id, where this machine has one in the state folder: for whoever only reads there. */
export async function knownHostId(stateDir: string): Promise<string | undefined> {
  const known = await readJson<HostIdRecord>(join(stateDir, 'host-id'));
  return known?.machine === (await machineMark()) ? known.id : undefined;
}

/** A hash: the machine id itself is meant to stay on the machine. */
async function machineMark(): Promise<string> {
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    const id = (await readFile(path, 'utf8').catch(() => '')).trim();
    if (/^[0-9a-f]{32}$/.test(id)) return shortHash(id);
  }
  return shortHash(`hostname:${hostname()}`);
}
