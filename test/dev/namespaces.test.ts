import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerSearchAttributes } from '../../src/register-search-attributes.ts';
import { holdfastHost, holdfastOpenCalls, searchAttributes } from '../../src/search-attributes.ts';
import { type TestTemporal, temporalForTest } from '../support/temporal.ts';

let temporal: TestTemporal;
let connection: Connection;

beforeAll(async () => {
  temporal = await temporalForTest(import.meta.url);
  connection = await Connection.connect({ address: temporal.address });
});

afterAll(() => connection?.close());

test("a test file's namespace takes a workflow with every search attribute at once", async () => {
  const client = new Client({ connection, namespace: temporal.namespace });
  const handle = await client.workflow.start('neverRun', {
    taskQueue: 'nobody',
    workflowId: 'attributes',
    typedSearchAttributes: [
      { key: holdfastHost, value: 'host-1' },
      { key: holdfastOpenCalls, value: 3 },
    ],
  });
  const { typedSearchAttributes } = await handle.describe();
  expect(typedSearchAttributes.get(holdfastOpenCalls)).toBe(3);
  expect(typedSearchAttributes.get(holdfastHost)).toBe('host-1');
  await handle.terminate();
});

test('two files of one name get two namespaces', async () => {
  const other = await temporalForTest(import.meta.url);
  expect(other.namespace).not.toBe(temporal.namespace);
  expect(other.namespace).toContain('namespaces-');
});

test('what is registered already is left alone, and said to be present', async () => {
  expect(await registerSearchAttributes(connection, temporal.namespace, searchAttributes)).toEqual({
    kind: 'present',
  });
});

test('only the missing ones are added, also when several workers start at once', async () => {
  const attributes = [...searchAttributes, { name: 'HoldfastTestOnly', type: 'KEYWORD_LIST' as const }];
  const outcomes = await Promise.all(
    [1, 2, 3].map(() => registerSearchAttributes(connection, temporal.namespace, attributes)),
  );
  expect(outcomes).toContainEqual({ kind: 'registered', added: ['HoldfastTestOnly'] });
  expect(outcomes.filter(({ kind }) => kind === 'refused')).toEqual([]);
  const again = await registerSearchAttributes(connection, temporal.namespace, attributes);
  expect(again).toEqual({ kind: 'present' });
});

test('an attribute of our name with another type is a refusal that names both types', async () => {
  const clash = [{ name: 'HoldfastOpenCalls', type: 'KEYWORD' as const }];
  expect(await registerSearchAttributes(connection, temporal.namespace, clash)).toEqual({
    kind: 'refused',
    missing: ['HoldfastOpenCalls'],
    reason: 'HoldfastOpenCalls is registered there as INT, Holdfast needs KEYWORD',
  });
});

test('a namespace that the server does not have is a refusal with its words', async () => {
  const outcome = await registerSearchAttributes(connection, 'no-such-namespace', searchAttributes);
  expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('no-such-namespace') });
});

test('no answer is an error to retry, not a refusal', async () => {
  const nobody = Connection.lazy({ address: '127.0.0.1:1' });
  try {
    await expect(registerSearchAttributes(nobody, 'default', searchAttributes, 500)).rejects.toMatchObject({
      code: expect.toBeOneOf([4, 14]),
    });
  } finally {
    await nobody.close();
  }
});
