/** `host.log`: what a session's hosts say, appended to by one after the other, and bounded (I11). */
import { fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';

const LOG_BYTES = 1024 * 1024;

export function openLog(path: string): number {
  const log = openSync(path, 'a', 0o600);
  boundLog(log);
  return log;
}

/** Begins the log anew when it has grown large: it is appended to, so whoever has it open goes on at its start. */
export function boundLog(log: number, limitBytes = LOG_BYTES): void {
  try {
    const stats = fstatSync(log);
    if (!stats.isFile() || stats.size <= limitBytes) return;
    ftruncateSync(log);
    writeSync(log, `[${stats.size} bytes of an older log were dropped]\n`);
  } catch {
    // A log that cannot be bounded must not end the host.
  }
}
