/** AES-256-GCM with a random nonce of 96 bits: nonce, text, tag, in this order. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param context what must be told again to decrypt it; it is not part of the result. */
export function encrypt(secret: Uint8Array, plain: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, secret, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws for another key, another context, and what was changed. */
export function decrypt(secret: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  if (!isSealed(sealed)) throw new RangeError('too short');
  const decipher = createDecipheriv(CIPHER, secret, sealed.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}

/** Whether it is long enough to be what `encrypt` makes. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes.length >= NONCE_BYTES + TAG_BYTES;
}
