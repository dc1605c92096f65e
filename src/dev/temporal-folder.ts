/**
 * The folder of one development server: its database and log, and the guarantee that one server at a time uses them.
 * Two processes matter: whoever started the server holds the folder's lock; the server itself, noted in `server.json`,
 * may outlive a killed starter for as long as its tether takes to end it. The next start waits for it.
 */
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from './file-lock.ts';
import { processIdentity } from './process-identity.ts';
import { TemporalServerError } from './temporal-server-error.ts';

export interface ServerFolder {
  readonly dbFile: string;
  readonly logFile: string;
  /** Notes the server that was started here. */
  occupy(pid: number): Promise<void>;
  /** After the server has ended. */
  leave(): Promise<void>;
}

const logLimitBytes = 8_000_000;

/**
 * Takes the folder, which is created. Waits up to `limitMs` for the server of a starter that was killed, and then kills
 * it: its starter is gone and its identity is checked.
 *
 * @throws TemporalServerError when a living process uses the folder, or it cannot be written.
 */
export async function openServerFolder(folder: string, limitMs: number): Promise<ServerFolder> {
  const outcome = await acquireLock(join(folder, 'lock'), { limitMs: 0 }).catch((error: Error) => {
    const message = `The Temporal server's folder ${folder} cannot be used: ${error.message}`;
    throw new TemporalServerError('folder-unusable', message, { cause: error });
  });
  if (outcome.kind === 'busy') {
    const { pid, since } = outcome.holder;
    throw new TemporalServerError(
      'folder-in-use',
      `The Temporal server's folder ${folder} is in use by process ${pid} since ${new Date(since).toISOString()}: ` +
        'end that one, or name another folder',
    );
  }
  const { lock } = outcome;
  const note = join(folder, 'server.json');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Its database holds what every session did; a state folder that tools may pass through does not hide it.
    await chmod(folder, 0o700);
    await waitForOrphan(note, limitMs);
    const logFile = join(folder, 'temporal.log');
    if (((await stat(logFile).catch(() => undefined))?.size ?? 0) > logLimitBytes) {
      await rename(logFile, `${logFile}.1`);
    }
    return {
      dbFile: join(folder, 'temporal.db'),
      logFile,
      occupy: pid => writeFile(note, JSON.stringify({ pid, identity: processIdentity(pid) })),
      leave: async () => {
        await rm(note, { force: true });
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function waitForOrphan(note: string, limitMs: number): Promise<void> {
  const text = await readFile(note, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  let orphan: { pid?: number; identity?: string };
  try {
    orphan = JSON.parse(text) as typeof orphan;
  } catch {
    return;
  }
  const { pid, identity } = orphan;
  if (pid === undefined || identity === undefined) return;
  const deadline = performance.now() + limitMs;
  while (processIdentity(pid) === identity) {
    if (performance.now() > deadline) process.kill(pid, 'SIGKILL');
    await sleep(50);
  }
}
