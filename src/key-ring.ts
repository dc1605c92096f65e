/**
 * The keys of a deployment: `HOLDFAST_KEY` (or the key file of this host) encrypts, those of `HOLDFAST_OLD_KEYS` only
 * decrypt what was encrypted before a rotation. Every worker that serves the same sessions needs the same ones.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isCode, writeDurably } from './tool-host/durable-file.ts';
import { exclusively } from './tool-host/exclusive.ts';

/** The key or a sealed text cannot be used; the message says why and what to do, and holds neither. */
export class SealingError extends Error {
  override name = 'SealingError';
}

const KEY_BYTES = 32;
const WAIT_MS = 10_000;

export interface Key {
  /** Names the key and tells nothing of it. */
  readonly id: string;
  readonly secret: Buffer;
}

export interface KeySettings {
  /** HOLDFAST_KEY; undefined: a key file in the state folder. Never logged. */
  readonly sealingKey: string | undefined;
  /** HOLDFAST_OLD_KEYS. Never logged. */
  readonly oldKeys: readonly string[];
  readonly stateDir: string;
}

export interface KeyRing {
  /** Encrypts; undefined: this host has none. */
  readonly current: Key | undefined;
  readonly all: ReadonlyMap<string, Key>;
}

/**
 * Beside a `HOLDFAST_KEY`, the key file that this host had before it goes on decrypting.
 *
 * @param make whether to make a key file where there is no key.
 * @throws SealingError for a key file that is needed and cannot be used.
 */
export async function loadKeyRing(settings: KeySettings, make = false): Promise<KeyRing> {
  const { sealingKey, oldKeys, stateDir } = settings;
  const secret = await loadKey(sealingKey, stateDir, make);
  const former =
    sealingKey === undefined ? undefined : await loadKey(undefined, stateDir, false).catch(() => undefined);
  const current = secret && keyOf(secret);
  const old = [former, ...oldKeys.map(text => parseKey(text, 'HOLDFAST_OLD_KEYS'))];
  const all = [
    ...old.flatMap(each => (each === undefined ? [] : [keyOf(each)])),
    ...(current ? [current] : []),
  ];
  return { current, all: new Map(all.map(key => [key.id, key])) };
}

export function keyOf(secret: Buffer): Key {
  const id = createHash('sha256').update('holdfast key id').update(secret).digest('hex').slice(0, 8);
  return { id, secret };
}

/**
 * @param text 32 bytes as base64 (also URL-safe) or as hex.
 * @param name of the setting that holds it.
 * @throws SealingError that does not repeat `text`.
 */
export function parseKey(text: string, name = 'HOLDFAST_KEY'): Buffer {
  const hex = /^[0-9a-f]{64}$/i.test(text);
  const base64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(text);
  const key = hex ? Buffer.from(text, 'hex') : Buffer.from(base64 ? text : '', 'base64');
  if (key.length === KEY_BYTES) return key;
  throw new SealingError(
    `${name} is not a key: write 32 bytes as base64 or hex, such as \`openssl rand -base64 32\` prints`,
  );
}

/**
 * The key that was given, or the one of this host: a file in the state folder, for its user only, made once.
 *
 * @param given HOLDFAST_KEY.
 * @param make whether to make the file where there is none.
 * @returns undefined where there is no key.
 * @throws SealingError for a key that is none, and for a key file that others may read.
 */
export async function loadKey(
  given: string | undefined,
  stateDir: string,
  make = true,
): Promise<Buffer | undefined> {
  if (given !== undefined) return parseKey(given);
  const path = join(stateDir, 'key');
  const known = await readKey(path);
  if (known !== undefined || !make) return known;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  return exclusively(path, WAIT_MS, async () => {
    const meanwhile = await readKey(path);
    if (meanwhile !== undefined) return meanwhile;
    const key = randomBytes(KEY_BYTES);
    // Durable before anything is sealed with it. The file is made 0600.
    await writeDurably(path, `${key.toString('base64')}\n`);
    return key;
  });
}

async function readKey(path: string): Promise<Buffer | undefined> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0)
      throw new SealingError(`others may read the key file ${path}: chmod 600 it, or set HOLDFAST_KEY`);
    return parseKey((await readFile(path, 'utf8')).trim());
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    if (error instanceof SealingError && error.message.startsWith('HOLDFAST_KEY'))
      throw new SealingError(
        `the key file ${path} holds no key: remove it for a new one (what was sealed with it is lost)`,
      );
    throw error;
  }
}
