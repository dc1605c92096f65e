/**
 * Entry of a tool host: a detached process, one for each live session on this machine, that outlives the worker which
 * started it. Its configuration comes on standard input; it reports once on file descriptor 3.
 */
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { errorText } from '../error-text.ts';
import { turnOnFailpoints } from '../failpoint.ts';
import { ToolHost } from './host.ts';
import { type HostConfig, type HostReady, REPORT_FD } from './host-config.ts';

// Its log is a file: on a full disk a line that cannot be written must not end the host and all it runs.
process.stderr.on('error', () => {});
process.stdout.on('error', () => {});

const config = JSON.parse(readFileSync(0, 'utf8')) as HostConfig;
if (config.failpoints !== undefined) {
  const { failpoints: folder, sessionId } = config;
  turnOnFailpoints({ folder, kind: 'tool host', sessionId });
}
let ready: HostReady = { kind: 'ready' };
try {
  await new ToolHost(config).start();
} catch (error) {
  ready = { kind: 'failed', message: errorText(error) };
}
try {
  writeSync(REPORT_FD, `${JSON.stringify(ready)}\n`);
  closeSync(REPORT_FD);
} catch {
  // The worker that started us is gone; the next one finds us by the socket.
}
if (ready.kind === 'failed') process.exit(1);
