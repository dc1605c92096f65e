/**
 * Encrypts whole payloads before they reach Temporal, and decrypts them: inputs, results, signals, updates, queries,
 * memos, summaries, heartbeats and failures. What is encrypted is the serialized payload with its metadata, as in
 * Temporal's samples, so that other SDKs can do the same.
 *
 * The key's id and the session stand in clear beside it and are authenticated with it: what was encrypted for one
 * session is refused in another. Payloads that are not encrypted pass, so that encryption can be switched on and off
 * while sessions run.
 */
import { hkdfSync } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import type { SerializationContext } from '@temporalio/common/lib/converter/serialization-context.js';
import protobuf from 'protobufjs';
import { decrypt, encrypt } from './aes-gcm.ts';
import type { Key, KeyRing } from './key-ring.ts';

/** A payload cannot be decrypted, or there is no key to encrypt with; one line that says which and what to set. */
export class PayloadKeyError extends Error {
  override name = 'PayloadKeyError';
}

export interface PayloadCodecOptions {
  /** Whether new payloads are encrypted; encrypted ones are decrypted in any case. */
  readonly encrypts: boolean;
  /** Asked for when a payload needs a key, until there is one. */
  readonly keys: () => Promise<KeyRing>;
  /** What becomes of a payload that cannot be decrypted: an error, or a text in its place that says why. */
  readonly unreadable?: 'throw' | 'tell';
}

export const ENCRYPTED = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const SESSION = 'holdfast-session';

/** As temporal/api/common/v1/message.proto has it. */
const Serialized = new protobuf.Type('Payload')
  .add(new protobuf.MapField('metadata', 1, 'string', 'bytes'))
  .add(new protobuf.Field('data', 2, 'bytes'));

export function createPayloadCodec({
  encrypts,
  keys,
  unreadable = 'throw',
}: PayloadCodecOptions): PayloadCodec {
  let loaded: KeyRing | undefined;
  const ring = async (): Promise<KeyRing> => {
    if (loaded !== undefined) return loaded;
    const found = await keys();
    // A key file may be made, or mended, meanwhile.
    if (found.current !== undefined) loaded = found;
    return found;
  };
  const decoded = async (payload: Payload, context?: SerializationContext): Promise<Payload> => {
    if (!isEncrypted(payload)) return payload;
    try {
      return decryptPayload(await ring(), payload, context?.workflowId);
    } catch (error) {
      if (unreadable === 'throw' || !(error instanceof PayloadKeyError)) throw error;
      return { metadata: { encoding: bytes('json/plain') }, data: bytes(JSON.stringify(error.message)) };
    }
  };
  const codec: PayloadCodec = {
    async encode(payloads, context) {
      if (!encrypts || payloads.length === 0) return payloads;
      const { current } = await ring();
      if (current === undefined)
        throw new PayloadKeyError(
          'payloads are to be encrypted (HOLDFAST_ENCRYPT) and there is no key here: set HOLDFAST_KEY',
        );
      return payloads.map(payload => encryptPayload(current, payload, context?.workflowId ?? ''));
    },
    async decode(payloads, context) {
      if (!payloads.some(isEncrypted)) return payloads;
      return Promise.all(payloads.map(payload => decoded(payload, context)));
    },
  };
  if (unreadable === 'throw')
    tellingCodecs.set(codec, createPayloadCodec({ encrypts, keys, unreadable: 'tell' }));
  return codec;
}

const tellingCodecs = new WeakMap<PayloadCodec, PayloadCodec>();

/** The codec with `unreadable: 'tell'`; one that is not ours as it is. */
export function telling(codec: PayloadCodec): PayloadCodec {
  return tellingCodecs.get(codec) ?? codec;
}

/** The id of the key that it was encrypted with; undefined: it is not encrypted. */
export function keyIdOf(payload: Payload): string | undefined {
  return isEncrypted(payload) ? textOf(payload, KEY_ID) : undefined;
}

function isEncrypted(payload: Payload): boolean {
  return textOf(payload, 'encoding') === ENCRYPTED;
}

/** @param session '' where it is not known, as for an attempt that is failed by its token. */
function encryptPayload(key: Key, payload: Payload, session: string): Payload {
  const plain = Serialized.encode(payload).finish();
  return {
    metadata: {
      encoding: bytes(ENCRYPTED),
      [KEY_ID]: bytes(key.id),
      ...(session === '' ? {} : { [SESSION]: bytes(session) }),
    },
    data: encrypt(payloadSecret(key), plain, contextOf(key.id, session)),
  };
}

function decryptPayload({ all }: KeyRing, payload: Payload, expected: string | undefined): Payload {
  const id = textOf(payload, KEY_ID);
  const session = textOf(payload, SESSION);
  const key = all.get(id);
  if (key === undefined) throw new PayloadKeyError(missing(id, [...all.keys()]));
  if (session !== '' && expected !== undefined && session !== expected)
    throw new PayloadKeyError(
      `a payload of ${expected} was encrypted for ${session}: it was put there by hand`,
    );
  try {
    const plain = decrypt(payloadSecret(key), payload.data ?? new Uint8Array(), contextOf(id, session));
    return Serialized.toObject(Serialized.decode(plain)) as Payload;
  } catch {
    throw new PayloadKeyError(
      `a payload that was encrypted with key ${id} was changed since: it cannot be read`,
    );
  }
}

function missing(id: string, known: readonly string[]): string {
  if (id === '') return 'a payload was encrypted by another program: it names no key';
  const told = `a payload is encrypted with key ${id}`;
  return known.length === 0
    ? `${told}, and there is no key here: set HOLDFAST_KEY as the workers have it`
    : `${told}, and here is only ${known.join(', ')}: set HOLDFAST_KEY as the workers have it, ` +
        'or add that key to HOLDFAST_OLD_KEYS';
}

function contextOf(keyId: string, session: string): string {
  return JSON.stringify([ENCRYPTED, keyId, session]);
}

const secrets = new WeakMap<Key, Buffer>();

/** Not the key itself, which seals tokens as well. */
function payloadSecret(key: Key): Buffer {
  const known = secrets.get(key);
  if (known !== undefined) return known;
  const made = Buffer.from(hkdfSync('sha256', key.secret, '', 'holdfast payloads', key.secret.length));
  secrets.set(key, made);
  return made;
}

function textOf({ metadata }: Payload, name: string): string {
  const value = metadata?.[name];
  return value ? Buffer.from(value).toString('utf8') : '';
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}
