import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { callsHeld, callsUnknown, type Notice } from '../../src/workflows/notice.ts';

const page = readFileSync(fileURLToPath(new URL('../../docs/notifications.md', import.meta.url)), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) =>
    text.trim(),
  );
const shown = blocks('json').map(text => JSON.parse(text) as Notice);

it('the page shows each type of notice with the fields that are sent', () => {
  expect(shown.map(({ type }) => type)).toEqual(['calls.held', 'session.stuck', 'calls.unknown']);
  const about = { session: 'sesn_1', title: null, host: null };
  const [held, , unknown] = shown;
  if (held?.type !== 'calls.held' || unknown?.type !== 'calls.unknown') throw new Error('not shown');
  expect(Object.keys(callsHeld(about, held.data.calls))).toEqual(Object.keys(held.data));
  expect(Object.keys(callsUnknown(about, unknown.data.calls))).toEqual(Object.keys(unknown.data));
});

it('the secret that it shows how to make is one that the settings take', () => {
  const [make = '', ...more] = blocks('sh');
  // The other one starts the example, which test/e2e/notices.test.ts does.
  expect(more).toEqual(['HOLDFAST_NOTIFY_SECRET=whsec_… npm run example examples/notices.ts']);
  const secret = execFileSync('sh', ['-c', make], { encoding: 'utf8' }).trim();
  const env = { HOLDFAST_NOTIFY_URL: 'https://pager.example/notices', HOLDFAST_NOTIFY_SECRET: secret };
  expect(readConfig(env).notices.secrets).toEqual([secret]);
});
