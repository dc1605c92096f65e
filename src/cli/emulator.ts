/** `holdfast emulator`: the emulated API as a process of its own. */
import { Command } from 'commander';
import type { RequestEntry } from '../emulator/request-log.ts';
import { loadScriptFile, ScriptFileError } from '../emulator/script-file.ts';
import { type Emulator, startEmulator } from '../emulator/server.ts';
import type { Scripts } from '../emulator/sessions.ts';

interface Flags {
  readonly port: string;
  readonly host: string;
  readonly script?: string;
  readonly json?: true;
  readonly verbose?: true;
}

const EXAMPLES = `
Examples:
  $ holdfast emulator --port 4010 --script agent.json
  $ ANTHROPIC_BASE_URL=http://127.0.0.1:4010 ANTHROPIC_API_KEY=any holdfast worker
  $ curl -s http://127.0.0.1:4010/_emulator/sessions

A script is a JSON array of steps, or a module whose default export is a function of the agent:
  [{ "say": "Let me look." }, { "call": "bash", "input": { "command": "ls" } },
   { "expect": { "is_error": false } }, { "idle": "end_turn" }]
`;

/** Exit status: 0 ended by SIGINT or SIGTERM, 1 cannot listen, 2 bad flags or script file. */
export function emulatorCommand(): Command {
  return new Command('emulator')
    .description('serve the managed-agents API on loopback, a script in place of the model')
    .option('--port <port>', 'port to listen on; 0 takes a free one', '0')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--script <file>', 'agent script (.json, .js or .ts) that plays the model')
    .option('--json', 'print the address as one line of JSON')
    .option('--verbose', 'log every request to standard error')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      process.exitCode = await run(flags);
    });
}

async function run(flags: Flags): Promise<number> {
  const port = Number(flags.port);
  if (!/^\d+$/.test(flags.port) || port > 65_535) {
    return complain(2, `--port must be a number from 0 to 65535, not ${JSON.stringify(flags.port)}`);
  }
  let scripts: Scripts = {};
  try {
    if (flags.script !== undefined) scripts = await loadScriptFile(flags.script);
  } catch (error) {
    if (error instanceof ScriptFileError) return complain(2, error.message);
    throw error;
  }
  let emulator: Emulator;
  try {
    emulator = await startEmulator({
      port,
      host: flags.host,
      ...(scripts.default !== undefined && { script: scripts.default }),
      ...(scripts.named !== undefined && { scripts: scripts.named }),
      ...(flags.verbose && { onRequest: logRequest }),
    });
  } catch (error) {
    return complain(1, listenProblem(error, flags.host, port));
  }
  const { url, host } = emulator;
  process.stdout.write(`${flags.json ? JSON.stringify({ url, host, port: emulator.port }) : url}\n`);
  await signalled();
  await emulator.close();
  // A script may hold timers of its own: they must not keep the process.
  process.exit(0);
}

/** Resolves at the first SIGINT or SIGTERM. */
async function signalled(): Promise<void> {
  await new Promise<void>(resolve => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

function logRequest(entry: RequestEntry): void {
  process.stderr.write(`${entry.status ?? 'cut'} ${entry.method} ${entry.path}\n`);
}

function listenProblem(error: unknown, host: string, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return `port ${port} on ${host} is in use; choose another with --port, or --port 0`;
  return `cannot listen on ${host}:${port}: ${message}`;
}

function complain(status: number, message: string): number {
  process.stderr.write(`holdfast emulator: ${message}\n`);
  return status;
}
