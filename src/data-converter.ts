/** How everything of Holdfast writes payloads to Temporal and reads them: the only place that decides it. */
import { fileURLToPath } from 'node:url';
import { Client, type ClientOptions } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { onlyWhatWorkersRead } from './encryption-guard.ts';
import { type KeySettings, loadKeyRing } from './key-ring.ts';
import { createPayloadCodec } from './payload-codec.ts';

export interface EncryptionSettings extends KeySettings {
  /** HOLDFAST_ENCRYPT: whether whole payloads are encrypted. */
  readonly encryptsPayloads: boolean;
}

/** For `Worker.create`, `new Client` and replays. Reads keys when they are needed, and tells then what is wrong. */
export function dataConverter(settings: EncryptionSettings): DataConverter {
  const { encryptsPayloads: encrypts } = settings;
  const codec = createPayloadCodec({ encrypts, keys: () => loadKeyRing(settings) });
  return {
    payloadCodecs: [codec],
    // Decoding needs none: the default one reads both kinds.
    ...(encrypts ? { failureConverterPath: failureConverterPath() } : {}),
  };
}

/** A client that reads and writes what the workers do. */
export function createTemporalClient(
  config: EncryptionSettings & { readonly temporal: { readonly namespace: string } },
  connection: NonNullable<ClientOptions['connection']>,
): Client {
  return new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: dataConverter(config),
    ...(config.encryptsPayloads
      ? { interceptors: { workflow: [onlyWhatWorkersRead(config, connection)] } }
      : {}),
  });
}

/** For the bundle of workflows, which makes failures as well. */
export function failureConverterPath(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`./encoded-failures.${extension}`, import.meta.url));
}
