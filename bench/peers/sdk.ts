/** The SDK's own `SessionToolRunner`, all sessions in one process. */
import { fileURLToPath } from 'node:url';
import { startLogged, without } from '../../src/dev/logged-process.ts';
import type { Peer } from './peer.ts';
import { runnerPeer } from './runner-peer.ts';
import type { SdkRunnerInput } from './sdk-main.ts';

const MAIN = fileURLToPath(new URL('./sdk-main.ts', import.meta.url));

export const sdk: Peer = {
  name: 'sdk',
  title: 'SDK’s runner (TypeScript)',
  prepare: async () => undefined,
  open: async ({ folder, apiUrl, env, signal }) =>
    runnerPeer('sdk', { folder, signal }, (sessionIds, logFile) => {
      const input: SdkRunnerInput = { apiUrl, sessionIds, folder };
      return startLogged({
        args: [MAIN, JSON.stringify(input)],
        env: without(env, /^(ANTHROPIC|HOLDFAST|TEMPORAL)_/),
        cwd: folder,
        logFile,
      });
    }),
};
