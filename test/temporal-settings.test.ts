/** How a server of one's own, or Temporal Cloud, is named: what reaches the connection, and what is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError, readConfig } from '../src/config.ts';
import { temporalSettings } from '../src/temporal-settings.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/tls/${name}`, import.meta.url));
const bytes = (name: string) => Uint8Array.from(readFileSync(fixture(name)));
/** No profile of whoever runs this. */
const HOME = '/nonexistent';
const temporal = (env: Record<string, string>) => readConfig({ HOME, ...env }).temporal;

const CLOUD = {
  TEMPORAL_ADDRESS: 'ns.acct.tmprl.cloud:7233',
  TEMPORAL_NAMESPACE: 'ns.acct',
};
const PAIR = {
  TEMPORAL_TLS_CLIENT_CERT_PATH: fixture('client.pem'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: fixture('client.key'),
};

it('an API key switches TLS on', () => {
  const { isGiven, namespace, connection } = temporal({ ...CLOUD, TEMPORAL_API_KEY: 'key' });
  expect({ isGiven, namespace }).toEqual({ isGiven: true, namespace: 'ns.acct' });
  expect(connection).toMatchObject({ address: 'ns.acct.tmprl.cloud:7233', apiKey: 'key', tls: true });
});

it('a client certificate is read from files or taken as text, with the authority and name of the server', () => {
  const tls = {
    serverNameOverride: 'temporal.test',
    serverRootCACertificate: bytes('ca.pem'),
    clientCertPair: { crt: bytes('client.pem'), key: bytes('client.key') },
  };
  const server = { TEMPORAL_TLS_SERVER_NAME: 'temporal.test' };
  const files = { ...PAIR, TEMPORAL_TLS_SERVER_CA_CERT_PATH: fixture('ca.pem') };
  expect(temporal({ ...CLOUD, ...server, ...files }).connection.tls).toEqual(tls);
  const text = (name: string) => readFileSync(fixture(name), 'utf8');
  const data = {
    TEMPORAL_TLS_CLIENT_CERT_DATA: text('client.pem'),
    TEMPORAL_TLS_CLIENT_KEY_DATA: text('client.key'),
    TEMPORAL_TLS_SERVER_CA_CERT_DATA: text('ca.pem'),
  };
  expect(temporal({ ...CLOUD, ...server, ...data }).connection.tls).toEqual(tls);
});

it('a profile of a file is taken, and variables go before it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hft-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'temporal.toml');
  writeFileSync(
    file,
    `[profile.prod]\naddress = "prod:7233"\nnamespace = "agents"\napi_key = "of the file"\n` +
      `[profile.prod.tls]\nserver_name = "temporal.test"\n`,
  );
  const profile = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'prod' };
  expect(temporal(profile)).toMatchObject({
    isGiven: true,
    address: 'prod:7233',
    namespace: 'agents',
    connection: { apiKey: 'of the file', tls: { serverNameOverride: 'temporal.test' } },
  });
  expect(temporal({ ...profile, TEMPORAL_API_KEY: 'newer' }).connection.apiKey).toBe('newer');
});

it('without any of them it is a local server in clear', () => {
  expect(temporal({})).toEqual({
    isGiven: false,
    address: '127.0.0.1:7233',
    namespace: 'default',
    connection: expect.objectContaining({ address: '127.0.0.1:7233', tls: undefined, apiKey: undefined }),
  });
});

it.each([
  [
    'half a pair',
    { TEMPORAL_TLS_CLIENT_CERT_PATH: fixture('client.pem') },
    'set TEMPORAL_TLS_CLIENT_KEY_PATH too',
  ],
  [
    'the other half',
    { TEMPORAL_TLS_CLIENT_KEY_PATH: fixture('client.key') },
    'set TEMPORAL_TLS_CLIENT_CERT_PATH too',
  ],
  ['a file that is not there', { ...PAIR, TEMPORAL_TLS_CLIENT_KEY_PATH: '/no/such.key' }, '/no/such.key'],
  ['a word that is neither yes nor no', { TEMPORAL_TLS: 'yes' }, 'TEMPORAL_TLS is yes: write true or false'],
  ['a check that cannot be left out', { TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: 'true' }, 'is not supported'],
  ['a profile that is not there', { TEMPORAL_PROFILE: 'nobody' }, 'nobody'],
])('%s is refused with what to do, never left out without a word', (_, env, told) => {
  expect(() => temporal({ ...CLOUD, ...(env as Record<string, string>) })).toThrow(ConfigError);
  expect(() => temporal({ ...CLOUD, ...(env as Record<string, string>) })).toThrow(told);
});

describe('the version of a worker', () => {
  const version = (name?: string, build?: string) => ({
    TEMPORAL_DEPLOYMENT_NAME: name,
    TEMPORAL_WORKER_BUILD_ID: build,
  });

  it('is none without both variables, so that nothing changes', () => {
    expect(temporalSettings({}).version).toBeUndefined();
    expect(temporalSettings(version('', '')).version).toBeUndefined();
  });

  it('is what the worker controller of Temporal names', () => {
    const expected = { deploymentName: 'holdfast', buildId: '0.2.0-a1b2' };
    expect(temporalSettings(version('holdfast', '0.2.0-a1b2')).version).toEqual(expected);
  });

  it.each([
    ['holdfast', undefined, 'TEMPORAL_WORKER_BUILD_ID is not'],
    [undefined, 'a', 'TEMPORAL_DEPLOYMENT_NAME is not'],
    ['hold:fast', 'a', 'TEMPORAL_DEPLOYMENT_NAME must be without'],
    ['hold.fast', 'a', 'TEMPORAL_DEPLOYMENT_NAME must not hold a dot'],
    ['holdfast', 'a b', 'TEMPORAL_WORKER_BUILD_ID must be without'],
  ])('%s and %s are refused with what is wrong', (name, build, told) => {
    expect(() => temporalSettings(version(name, build))).toThrow(told);
  });
});
