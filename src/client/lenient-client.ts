/** For lists: one session whose key is not here must not hide the others. */
import { Client } from '@temporalio/client';
import { telling } from '../payload-codec.ts';

/** The same client, but a payload that it has no key for is read as a text that says which key it needs. */
export function lenientClient(client: Client): Client {
  const { connection, options } = client;
  const payloadCodecs = options.loadedDataConverter.payloadCodecs.map(telling);
  return new Client({ connection, namespace: options.namespace, dataConverter: { payloadCodecs } });
}
