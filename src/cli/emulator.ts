/** `holdfast emulator`: the emulated API as a process of its own. */
import { Command } from 'commander';
import type { RequestEntry } from '../emulator/request-log.ts';
import { loadScriptFile, type ScriptFile, ScriptFileError } from '../emulator/script-file.ts';
import { type Emulator, startEmulator } from '../emulator/server.ts';
import { errorText } from '../error-text.ts';

interface Flags {
  readonly port: string;
  readonly host: string;
  readonly script?: string;
  readonly environment?: readonly string[];
  readonly environmentKey?: string;
  readonly json?: true;
  readonly verbose?: true;
}

const EXAMPLES = `
Examples:
  $ holdfast emulator --port 4010 --script agent.json
  $ ANTHROPIC_BASE_URL=http://127.0.0.1:4010 ANTHROPIC_API_KEY=any holdfast worker
  $ curl -s http://127.0.0.1:4010/_emulator/sessions -d '{ "message": "go" }'    # makes a session, tells its id
  $ ANTHROPIC_BASE_URL=http://127.0.0.1:4010 ANTHROPIC_API_KEY=any holdfast start sesn_… --wait

A script is a JSON array of steps, or a module whose default export is a function of the agent:
  [{ "say": "Let me look." }, { "call": "bash", "input": { "command": "ls" } },
   { "expect": { "is_error": false } }, { "idle": "end_turn" }]
Steps: say, call, calls (at once), ask (a call that waits for an approval), expect, branch, repeat, idle, wait (ms),
emit, error, end_thread, terminate, end. A session may name its script:
  $ curl -s http://127.0.0.1:4010/_emulator/sessions -d '{ "message": "go", "script": "name" }'
It may also be an object of these, all optional:
  { "default": [...], "scripts": { "name": [...] }, "environments": [{ "id": "env_a", "keys": ["..."] }],
    "sessions": [{ "environment_id": "env_a", "message": "go" }], "skills": [...], "memory_stores": [...] }

An environment has a queue of work, for a worker with ANTHROPIC_ENVIRONMENT_ID and ANTHROPIC_ENVIRONMENT_KEY;
its key is printed. Each session of it that runs queues an item:
  $ holdfast emulator --port 4010 --script agent.json --environment env_emulator
  $ curl -s http://127.0.0.1:4010/_emulator/sessions -d '{ "message": "go" }'
  $ curl -s http://127.0.0.1:4010/_emulator/environments/env_emulator/work
`;

/** Exit status: 0 ended by SIGINT or SIGTERM, 1 cannot listen, 2 bad flags or script file. */
export function emulatorCommand(): Command {
  return new Command('emulator')
    .description('serve the managed-agents API on loopback, a script in place of the model')
    .option('--port <port>', 'port to listen on; 0 takes a free one', '0')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--script <file>', 'agent script (.json, .js or .ts) that plays the model')
    .option('--environment <id...>', 'a self-hosted environment with a queue of work')
    .option('--environment-key <key>', 'the key of these environments; one is made up for each otherwise')
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
  if (flags.environmentKey !== undefined && flags.environment === undefined) {
    return complain(2, '--environment-key needs an --environment that it is the key of');
  }
  let file: ScriptFile | undefined;
  try {
    if (flags.script !== undefined) file = await loadScriptFile(flags.script);
  } catch (error) {
    if (error instanceof ScriptFileError) return complain(2, error.message);
    throw error;
  }
  let emulator: Emulator;
  try {
    emulator = await startEmulator({
      port,
      host: flags.host,
      environments: (flags.environment ?? []).map(id => ({
        id,
        ...(flags.environmentKey !== undefined && { keys: [flags.environmentKey] }),
      })),
      ...(file?.scripts.default !== undefined && { script: file.scripts.default }),
      ...(file?.scripts.named !== undefined && { scripts: file.scripts.named }),
      ...(file !== undefined && { seed: file.seed }),
      ...(flags.verbose && { onRequest: logRequest }),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) {
      return complain(1, listenProblem(error, flags.host, port));
    }
    return complain(2, `cannot begin with what the script file and the flags declare: ${errorText(error)}`);
  }
  process.stdout.write(flags.json ? `${JSON.stringify(address(emulator))}\n` : lines(emulator));
  if (process.stderr.isTTY)
    process.stderr.write(
      `a session, for \`holdfast start\`: curl -s ${emulator.url}/_emulator/sessions -d '{"message":"go"}'\n`,
    );
  await signalled();
  await emulator.close();
  // A script may hold timers of its own: they must not keep the process.
  process.exit(0);
}

function address(emulator: Emulator): object {
  const { url, host, port } = emulator;
  const environments = keyed(emulator);
  return { url, host, port, ...(environments.length > 0 && { environments }) };
}

/** The address, then a line for each environment that a shell can take over. */
function lines(emulator: Emulator): string {
  const environments = keyed(emulator).map(
    ({ id, key }) => `ANTHROPIC_ENVIRONMENT_ID=${id} ANTHROPIC_ENVIRONMENT_KEY=${key ?? ''}`,
  );
  return [emulator.url, ...environments, ''].join('\n');
}

/** A script file may declare an environment without a key. */
function keyed(emulator: Emulator): { id: string; key: string | null }[] {
  return emulator.environments().map(one => ({ id: one.id, key: one.info().keys[0] ?? null }));
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
