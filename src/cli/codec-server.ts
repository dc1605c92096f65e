/** `holdfast codec-server`: lets Temporal's UI and CLI show encrypted payloads. */
import { once } from 'node:events';
import { Command } from 'commander';
import { isLoopback } from '../codec-access.ts';
import { startCodecServer } from '../codec-server.ts';
import { readConfig } from '../config.ts';
import { loadKeyRing } from '../key-ring.ts';
import { createLog } from '../log.ts';
import { createPayloadCodec } from '../payload-codec.ts';
import { catchEndingSignals } from './ending-signals.ts';
import { CliError } from './failure.ts';
import { listening } from './listening.ts';
import { port } from './up.ts';

interface Flags {
  readonly port: number;
  readonly host: string;
  readonly ui?: readonly string[];
  readonly namespace?: readonly string[];
  readonly json?: boolean;
}

/** Where the UI of `holdfast up` and of a development server is. */
const UIS = ['http://127.0.0.1:8233', 'http://localhost:8233'];

const HELP = `
It has the workers' keys (HOLDFAST_KEY, HOLDFAST_OLD_KEYS, or the key file of this host) and gives what they decrypt to
whoever shows HOLDFAST_CODEC_TOKEN. On loopback it may go without. TLS is a proxy's: Temporal's UI sends an access token
to https addresses only.

Temporal's UI: set this address as its codec server, with cross-origin credentials where there is a token, and open the
address once in the same browser to sign in. Temporal's CLI: --codec-endpoint and --codec-auth "Bearer TOKEN".

Examples:
  holdfast codec-server
  HOLDFAST_CODEC_TOKEN=… holdfast codec-server --host 0.0.0.0 --ui https://temporal.example.com
  temporal workflow show --workflow-id sesn_… --codec-endpoint http://127.0.0.1:8235
`;

export function codecServerCommand(): Command {
  return new Command('codec-server')
    .description('decrypt payloads for Temporal’s UI and CLI')
    .option('--port <port>', 'to listen on; 0 takes a free one', port, 8235)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--ui <origins...>', `addresses of Temporal’s UI (default: ${UIS.join(', ')})`)
    .option('--namespace <names...>', 'decrypt for these namespaces only (default: all)')
    .option('--json', 'print one line of JSON when it is ready')
    .addHelpText('after', HELP)
    .action(codecServer);
}

async function codecServer(flags: Flags): Promise<void> {
  const config = readConfig();
  const { codecToken: token } = config;
  const { host, namespace: namespaces = [] } = flags;
  if (token === undefined && !isLoopback(host))
    throw new CliError(
      `on ${host} others could have everything decrypted: set HOLDFAST_CODEC_TOKEN, or listen on 127.0.0.1`,
      2,
    );
  const origins = (flags.ui ?? UIS).map(originOf);
  const keys = await loadKeyRing(config);
  if (keys.current === undefined)
    throw new CliError('there is no key to decrypt with: set HOLDFAST_KEY as the workers have it', 2);
  const log = createLog({ format: config.log });
  const codec = createPayloadCodec({ encrypts: true, keys: async () => keys, unreadable: 'tell' });
  const server = await listening(flags, () =>
    startCodecServer({
      port: flags.port,
      host,
      codec,
      token,
      origins,
      namespaces,
      log: line => log.info(line),
    }),
  );
  const ids = [...keys.all.keys()];
  const asks = token === undefined ? 'whoever is on this machine' : 'whoever has the token';
  log.info(`codec server ready at ${server.url}, for ${asks} and pages of ${origins.join(', ')}`);
  log.info(`it encrypts with key ${keys.current.id} and decrypts with ${ids.join(', ')}`);
  if (flags.json) process.stdout.write(`${JSON.stringify({ url: server.url, keys: ids, origins })}\n`);
  const { signal } = catchEndingSignals();
  await once(signal, 'abort');
  await server.close();
}

/** Browsers send no path with an origin, and no port that is the scheme's own. */
function originOf(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return new URL(text).origin;
  throw new CliError(`--ui is ${text}: write the address of Temporal’s UI, ${UIS[0]}`, 2);
}
