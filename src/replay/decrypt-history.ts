/** Histories whose payloads are encrypted, in clear. */
import type { PayloadCodec } from '@temporalio/common';
import { ENCRYPTED } from '../payload-codec.ts';
import { type JsonPayload, payloadFromJson, payloadToJson } from '../payload-json.ts';

const ENCODING = Buffer.from(ENCRYPTED).toString('base64');

/**
 * @param value proto JSON.
 * @throws PayloadKeyError
 */
export async function decryptAll<T>(value: T, codec: PayloadCodec): Promise<T> {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (await Promise.all(value.map(each => decryptAll(each, codec)))) as T;
  if (isEncrypted(value)) {
    const [decoded] = await codec.decode([payloadFromJson(value)]);
    return (decoded && payloadToJson(decoded)) as T;
  }
  const entries = Object.entries(value).map(async ([name, part]) => [name, await decryptAll(part, codec)]);
  return Object.fromEntries(await Promise.all(entries));
}

function isEncrypted(value: object): value is JsonPayload {
  return (value as JsonPayload).metadata?.encoding === ENCODING;
}
