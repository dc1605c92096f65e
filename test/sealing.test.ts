import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { keyOf, loadKey, parseKey, SealingError } from '../src/key-ring.ts';
import { createSealing } from '../src/sealing.ts';

const KEY = Buffer.alloc(32, 7);
const TOKEN = 'sk-ant-req-planted';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'hfk-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

it('what was sealed opens for its session, and never looks the same twice', () => {
  const { seal, open } = createSealing(keyOf(KEY));
  const sealed = seal(TOKEN, 'sesn_1');
  expect(open(sealed, 'sesn_1')).toBe(TOKEN);
  expect(sealed).not.toBe(seal(TOKEN, 'sesn_1'));
  expect(sealed + Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('planted');
});

it('opens for no other session, with no other key, and not when a single bit was changed', () => {
  const { seal, open } = createSealing(keyOf(KEY));
  const sealed = seal(TOKEN, 'sesn_1');
  expect(() => open(sealed, 'sesn_2')).toThrow(/another session/);
  expect(() => createSealing(keyOf(Buffer.alloc(32, 8))).open(sealed, 'sesn_1')).toThrow(
    /the same HOLDFAST_KEY/,
  );
  const [version, id, body = ''] = sealed.split('.');
  const bytes = Buffer.from(body, 'base64url');
  for (const at of [0, 15, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => open(`${version}.${id}.${changed.toString('base64url')}`, 'sesn_1')).toThrow(SealingError);
  }
  for (const text of ['', TOKEN, 'hf1', `${version}.${id}.AAAA`, `${sealed}.more`])
    expect(() => open(text, 'sesn_1')).toThrow(/is not, or is torn/);
});

it.each([KEY.toString('hex'), KEY.toString('base64'), KEY.toString('base64url')])(
  'reads the key %s',
  text => {
    expect(parseKey(text)).toEqual(KEY);
  },
);

it.each([
  'short',
  KEY.toString('hex').slice(2),
  'planted-and-not-a-key-of-32-bytes-of-base64!',
  '0'.repeat(65),
])('refuses the key %s without repeating it', text => {
  let said = '';
  try {
    parseKey(text);
  } catch (error) {
    said = String(error);
  }
  expect(said).toContain('HOLDFAST_KEY is not a key: write 32 bytes as base64 or hex');
  expect(said).not.toContain(text);
});

it('makes one key file for a state folder, for its user only, however many ask at once', async () => {
  const stateDir = join(folder(), 'deep', 'state');
  const keys = await Promise.all(Array.from({ length: 5 }, () => loadKey(undefined, stateDir)));
  expect(new Set(keys.map(String)).size).toBe(1);
  expect(statSync(join(stateDir, 'key')).mode & 0o777).toBe(0o600);
  expect(await loadKey(undefined, stateDir)).toEqual(keys[0]);
  expect(await loadKey(KEY.toString('hex'), stateDir)).toEqual(KEY);
});

it('refuses a key file that others may read, and one that holds no key', async () => {
  const stateDir = folder();
  const path = join(stateDir, 'key');
  writeFileSync(path, KEY.toString('base64'));
  chmodSync(path, 0o640);
  await expect(loadKey(undefined, stateDir)).rejects.toThrow(/others may read the key file .*: chmod 600 it/);
  chmodSync(path, 0o600);
  expect(await loadKey(undefined, stateDir)).toEqual(KEY);
  writeFileSync(path, 'torn');
  await expect(loadKey(undefined, stateDir)).rejects.toThrow(/holds no key: remove it/);
});
