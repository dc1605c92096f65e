import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure, type ProtoFailure } from '@temporalio/common';
import {
  decodeFailure,
  encodeErrorToFailure,
  loadDataConverter,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import { expect, it } from 'vitest';
import { dataConverter } from '../src/data-converter.ts';

const settings = { sealingKey: '07'.repeat(32), oldKeys: [], stateDir: '/not-there' };
const encrypting = loadDataConverter(dataConverter({ ...settings, encryptsPayloads: true }));
const plain = loadDataConverter(dataConverter({ ...settings, encryptsPayloads: false }));

it('the message, the stack and the causes of a failure are encrypted, and read where it is off by now', async () => {
  const cause = new Error('planted cause');
  const error = ApplicationFailure.create({
    message: 'planted message',
    type: 'Odd',
    cause,
    details: ['planted'],
  });
  const failure: ProtoFailure = await encodeErrorToFailure(encrypting, error);
  expect(Buffer.from(JSON.stringify(failure)).toString()).not.toContain('planted');
  expect(failure).toMatchObject({ message: 'Encoded failure', applicationFailureInfo: { type: 'Odd' } });
  const decoded = await decodeFailure(plain.payloadCodecs, failure);
  const back = plain.failureConverter.failureToError(decoded, plain.payloadConverter);
  expect(back).toMatchObject({ message: 'planted message', cause: { message: 'planted cause' } });
});

it('a failure for want of a key stays in clear: whoever lacks it must be able to read which', async () => {
  const [payload] = await (encrypting.payloadCodecs[0]?.encode([{}]) ?? []);
  const other = loadDataConverter(
    dataConverter({ ...settings, sealingKey: '08'.repeat(32), encryptsPayloads: true }),
  );
  const error = await other.payloadCodecs[0]?.decode([payload ?? {}]).catch((thrown: unknown) => thrown);
  const failure = await encodeErrorToFailure(other, error);
  expect(failure.message).toMatch(/^a payload is encrypted with key [0-9a-f]{8}, .*: set HOLDFAST_KEY/);
  // As an activity's arguments fail to be read.
  const wrapped = await encodeErrorToFailure(
    other,
    ApplicationFailure.fromError(error, { message: `Failed: ${error}` }),
  );
  expect(wrapped.message).toContain('set HOLDFAST_KEY');
});

it('every client and worker of Temporal in the sources uses the one converter', () => {
  const src = fileURLToPath(new URL('../src/', import.meta.url));
  const without = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .filter(name => {
      const text = readFileSync(join(src, name), 'utf8');
      return (
        /@temporalio\/(client|worker)/.test(text) &&
        /new Client\(|Worker\.create\(/.test(text) &&
        !/\bdataConverter\b/.test(text)
      );
    });
  // The demo makes its own server, and encrypts nothing.
  expect(without).toEqual(['dev/demo/temporal.ts']);
});
