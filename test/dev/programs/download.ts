/** In place of the real download: DOWNLOAD=FILE copies that file, anything else waits for ever. */
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2] ?? '';
const { DOWNLOAD: source, DOWNLOAD_FAILS: failure } = process.env;
if (failure) {
  console.error(failure);
  process.exit(1);
}
if (source) {
  const file = join(folder, 'temporal-sdk-typescript-test');
  copyFileSync(source, file);
  chmodSync(file, 0o755);
} else {
  console.log(process.pid);
  setInterval(() => {}, 1_000);
}
