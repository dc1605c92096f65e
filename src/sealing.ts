/**
 * Seals what a workflow's history may hold but nobody may read there (design §7, I9): AES-256-GCM with the key of
 * the deployment. Every worker that serves the same sessions needs the same key.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isCode, writeDurably } from './tool-host/durable-file.ts';
import { exclusively } from './tool-host/exclusive.ts';

/** The key or a sealed text cannot be used; the message says why and what to do, and holds neither. */
export class SealingError extends Error {
  override name = 'SealingError';
}

export interface Sealing {
  /** @param context what it belongs to (a session's id): it opens with the same context only. */
  seal(text: string, context: string): string;
  /** @throws SealingError for another key, another context, and what is torn or was never sealed. */
  open(sealed: string, context: string): string;
}

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'hf1';
const WAIT_MS = 10_000;

/**
 * @param text 32 bytes as base64 (also URL-safe) or as hex.
 * @throws SealingError that does not repeat `text`.
 */
export function parseKey(text: string): Buffer {
  const hex = /^[0-9a-f]{64}$/i.test(text);
  const base64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(text);
  const key = hex ? Buffer.from(text, 'hex') : Buffer.from(base64 ? text : '', 'base64');
  if (key.length === KEY_BYTES) return key;
  throw new SealingError(
    'HOLDFAST_KEY is not a key: write 32 bytes as base64 or hex, such as `openssl rand -base64 32` prints',
  );
}

export function createSealing(key: Buffer): Sealing {
  const keyId = createHash('sha256').update('holdfast key id').update(key).digest('hex').slice(0, 8);
  return {
    seal(text, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${VERSION}.${keyId}.${sealed.toString('base64url')}`;
    },
    open(sealed, context) {
      const [version, sealedBy, body, ...more] = sealed.split('.');
      const bytes = Buffer.from(body ?? '', 'base64url');
      if (version !== VERSION || more.length > 0 || bytes.length < IV_BYTES + TAG_BYTES)
        throw new SealingError('what should be sealed is not, or is torn');
      if (sealedBy !== keyId)
        throw new SealingError(
          `it was sealed with key ${sealedBy}, this worker has ${keyId}: set the same HOLDFAST_KEY on all workers`,
        );
      const tag = bytes.subarray(-TAG_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
        .setAAD(Buffer.from(context))
        .setAuthTag(tag);
      try {
        const text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString('utf8');
      } catch {
        throw new SealingError('it was sealed for another session, or was changed since');
      }
    },
  };
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
