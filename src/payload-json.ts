/** Payloads in proto JSON, where all bytes are base64. */
import type { Payload } from '@temporalio/common';

export interface JsonPayload {
  readonly metadata?: Readonly<Record<string, string>> | null | undefined;
  readonly data?: string | null | undefined;
}

export function payloadFromJson({ metadata, data }: JsonPayload): Payload {
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [name, fromBase64(value)] as const);
  return { metadata: Object.fromEntries(entries), data: fromBase64(data ?? '') };
}

export function payloadToJson({ metadata, data }: Payload): JsonPayload {
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [name, toBase64(value)] as const);
  return { metadata: Object.fromEntries(entries), data: toBase64(data ?? new Uint8Array()) };
}

const fromBase64 = (text: string) => Buffer.from(text, 'base64');
const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
