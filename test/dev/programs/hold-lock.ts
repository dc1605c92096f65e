/** Takes the lock FOLDER ROUNDS times, notes `in` and `out` in FILE, and with ROUNDS 0 keeps it until it is killed. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from '../../../src/dev/file-lock.ts';

const [folder = '', file = '', rounds = '1'] = process.argv.slice(2);
for (let round = 0; round === 0 || round < Number(rounds); round++) {
  const outcome = await acquireLock(folder, { limitMs: 60_000 });
  if (outcome.kind === 'busy') throw new Error('busy');
  appendFileSync(file, `in ${process.pid}\n`);
  if (rounds === '0') await sleep(600_000);
  await sleep(5);
  appendFileSync(file, `out ${process.pid}\n`);
  await outcome.lock.release();
}
