/** Temporal behind TLS, as Temporal Cloud is: by client certificate, by API key, by a profile; and refused without. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { failure } from './support/failing.ts';
import { startTlsTemporal, type TlsTemporal, tlsFile } from './support/tls-temporal.ts';
import { createWorld, type World } from './support/world.ts';

const KEY = 'an API key of these tests';
const CA = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: tlsFile('ca.pem') };
const PAIR = {
  TEMPORAL_TLS_CLIENT_CERT_PATH: tlsFile('client.pem'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: tlsFile('client.key'),
};

let w: World;
let byCertificate: TlsTemporal;
let byKey: TlsTemporal;
beforeAll(async () => {
  const address = inject('temporalAddress');
  byCertificate = await startTlsTemporal({ address, clientCertificate: true });
  byKey = await startTlsTemporal({ address, apiKey: KEY });
  w = await createWorld(import.meta.url);
});
afterAll(async () => {
  await w.end();
  await byCertificate.close();
  await byKey.close();
});

it('a worker by client certificate and a start by the API key of a profile serve a session together', async () => {
  const worker = w.run(['worker'], { TEMPORAL_ADDRESS: byCertificate.address, ...CA, ...PAIR });
  await worker.says('worker ready');
  const file = join(w.folder, 'temporal.toml');
  writeFileSync(
    file,
    `[profile.cloud]\naddress = "${byKey.address}"\nnamespace = "${w.env.TEMPORAL_NAMESPACE}"\napi_key = "${KEY}"\n` +
      `[profile.cloud.tls]\nserver_ca_cert_path = "${tlsFile('ca.pem')}"\n`,
  );
  const session = w.session([{ call: 'bash', input: { command: 'echo served' } }]);
  const profile = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'cloud' };
  const none = { TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: '' };
  const started = w.run(['start', session.id, '--wait', '--json', '--max-idle', '500ms'], {
    ...none,
    ...profile,
  });
  const { code, stdout } = await started.exit;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ state: 'done', calls: [{ name: 'bash', posted: true }] });
  expect([...byCertificate.paths]).toContainEqual(expect.stringContaining('PollActivityTaskQueue'));
  expect([...byKey.paths]).toContainEqual(expect.stringContaining('SignalWithStart'));
  expect(w.said()).not.toContain(KEY);
  // The probe asks as the worker does.
  expect((await w.run(['health', '--roles', 'tools']).exit).stdout).toContain(
    'healthy; Temporal at localhost',
  );
});

describe.concurrent('without the right credential it is one line that names the server, exit 1', () => {
  it.each([
    ['no certificate', 'worker', () => ({ TEMPORAL_ADDRESS: byCertificate.address, ...CA })],
    [
      'a wrong API key',
      'list',
      () => ({ TEMPORAL_ADDRESS: byKey.address, ...CA, TEMPORAL_API_KEY: 'wrong' }),
    ],
    ['an unknown authority', 'worker', () => ({ TEMPORAL_ADDRESS: byKey.address, TEMPORAL_API_KEY: KEY })],
    ['no TLS', 'worker', () => ({ TEMPORAL_ADDRESS: byKey.address })],
  ])('%s: %s', async (_, command, env) => {
    const { code, line } = await failure(w, [command], env());
    expect([code, line]).toEqual([1, expect.stringContaining('cannot use Temporal at localhost:')]);
    expect(line).not.toContain(KEY);
  });
});
