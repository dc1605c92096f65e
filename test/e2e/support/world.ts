/**
 * A whole deployment for one test: the emulated API, a Temporal namespace, a state folder, and real processes of
 * `bin/holdfast.js`. Ending it ends everything that was started, and fails where something was left behind.
 */
import { appendFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, type TestContext } from 'vitest';
import { startSession } from '../../../src/client.ts';
import { readConfig } from '../../../src/config.ts';
import { dataConverter } from '../../../src/data-converter.ts';
import type { CreateOptions, SessionHandle } from '../../../src/emulator/handle.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../../src/emulator/server.ts';
import {
  type CallDetail,
  callsQuery,
  type SessionStatus,
  type SessionSummary,
  statusQuery,
} from '../../../src/workflows/messages.ts';
import type { RunOptions } from '../../../src/workflows/run-input.ts';
import type { runSession } from '../../../src/workflows/run-session.ts';
import { type TestTemporal, temporalForTest } from '../../support/temporal.ts';
import { closeAll } from './closing.ts';
import { eventually } from './eventually.ts';
import { type History, historyOf } from './history.ts';
import { type Exit, HoldfastProcess } from './holdfast-process.ts';

export interface WorldOptions extends EmulatorOptions {
  /** Path of the tools module; by default that of these tests. */
  readonly tools?: string;
  /** Flags of the worker that `sharedWorld` starts. */
  readonly workerArgs?: readonly string[];
  /** Another server than the one of the run. */
  readonly temporal?: TestTemporal;
  /** More of the processes' environment, or less of it where a value is undefined. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Started extends Exit {
  /** The line of `--json` (design §9), parsed; undefined where nothing was printed. */
  readonly line: SessionSummary | undefined;
}

const TOOLS = fileURLToPath(new URL('./tools.ts', import.meta.url));

/** What processes get of the environment of the tests: no key and no setting of whoever runs them. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'XDG_CACHE_HOME'];

export class World {
  readonly folder: string;
  /** The state folder of the host that `worker` starts workers on. */
  readonly stateDir: string;
  readonly effectsFile: string;
  readonly emulator: Emulator;
  readonly client: Client;
  readonly env: Readonly<Record<string, string>>;
  readonly sessions: SessionHandle[] = [];
  readonly processes: HoldfastProcess[] = [];
  /** Failures of workflow tasks that a test brings about on purpose. */
  meant: RegExp | undefined;

  constructor(parts: Pick<World, 'folder' | 'emulator' | 'client' | 'env'>) {
    this.folder = parts.folder;
    this.stateDir = join(parts.folder, 's');
    this.effectsFile = join(parts.folder, 'effects');
    this.emulator = parts.emulator;
    this.client = parts.client;
    this.env = parts.env;
  }

  /** Starts any command of the CLI. */
  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): HoldfastProcess {
    const made = new HoldfastProcess(args, { ...this.env, ...env }, this.folder);
    this.processes.push(made);
    return made;
  }

  /** Starts a worker; resolves when it polls. */
  async worker(...args: readonly string[]): Promise<HoldfastProcess> {
    return this.run(['worker', ...args]).says('worker ready');
  }

  /** A session whose agent plays `script`; it begins right after the synchronous code that follows. */
  session(script: CreateOptions['script'], more: CreateOptions = {}): SessionHandle {
    const begun = script === 'manual' ? {} : { message: 'go' };
    const session = this.emulator.createSession({ script, ...begun, ...more });
    this.sessions.push(session);
    return session;
  }

  /** `holdfast start ID --wait --json`, to its end. */
  async start(id: string, ...flags: readonly string[]): Promise<Started> {
    const exit = await this.run(['start', id, '--wait', '--json', ...flags]).exit;
    const [line, ...more] = exit.stdout.split('\n').filter(text => text !== '');
    if (more.length > 0) throw new Error(`start wrote more than a line: ${exit.stdout}`);
    return { ...exit, line: line === undefined ? undefined : (JSON.parse(line) as SessionSummary) };
  }

  /** The same through the library, without a process: what a backend does. */
  begin(id: string, options: Partial<RunOptions> = {}): Promise<WorkflowHandle<typeof runSession>> {
    return startSession(this.client, id, { maxIdleMs: 500, ...options });
  }

  async status(id: string): Promise<SessionStatus> {
    return this.client.workflow.getHandle(id).query(statusQuery);
  }

  async calls(id: string): Promise<readonly CallDetail[]> {
    return this.client.workflow.getHandle(id).query(callsQuery);
  }

  history(id: string, runId?: string): Promise<History> {
    return historyOf(this.client, id, runId);
  }

  /** Waits until a listener of the session has read its history and its stream is open. */
  async listening(id: string): Promise<void> {
    await eventually(`${id} is listened to`, async () => {
      const status = await this.status(id).catch(() => undefined);
      return (
        status !== undefined && status.state !== 'starting' && this.emulator.session(id).info().streams > 0
      );
    });
  }

  /** Writes a line that the tool `wait_for` waits for. */
  note(line: string): void {
    appendFileSync(this.effectsFile, `${line} ${Date.now()}\n`);
  }

  /** What tools wrote to EFFECTS, without the times; all lines, or those that begin with `prefix`. */
  effects(prefix = ''): string[] {
    return this.effectLines()
      .map(line => line.replace(/ \d{13}$/, ''))
      .filter(line => line.startsWith(prefix));
  }

  /** The time (Unix ms) at which a line was written. */
  effectAt(line: string): number {
    const found = this.effectLines().find(other => other.startsWith(`${line} `));
    if (found === undefined) throw new Error(`no effect ${line} among ${this.effectLines().join(', ')}`);
    return Number(found.split(' ').at(-1));
  }

  effectLines(): string[] {
    try {
      return readFileSync(this.effectsFile, 'utf8')
        .split('\n')
        .filter(line => line !== '');
    } catch {
      return [];
    }
  }

  /** All state folders that workers of this world may have used. */
  get stateDirs(): string[] {
    return [
      ...new Set([this.stateDir, ...this.processes.flatMap(({ env }) => env.HOLDFAST_STATE_DIR ?? [])]),
    ];
  }

  /** Waits until a tool has written this line. */
  async effect(line: string): Promise<void> {
    await eventually(`effect ${line}`, () => this.effects().includes(line));
  }

  /** All that the processes wrote. */
  said(): string {
    return this.processes.map(({ stdout, stderr }) => stdout + stderr).join('\n');
  }

  /** Ends all; throws naming whatever should not have been there. */
  end(): Promise<void> {
    return closeAll(this);
  }
}

/** @param fileUrl of the test file, for the names of namespaces. */
export async function createWorld(fileUrl: string, options: WorldOptions = {}): Promise<World> {
  const { tools = TOOLS, env = {}, temporal, workerArgs: _, ...emulated } = options;
  const { address, namespace } = temporal ?? (await temporalForTest(fileUrl));
  const connection = await Connection.connect({ address });
  const folder = mkdtempSync(join(tmpdir(), 'hfe-'));
  const emulator = await startEmulator(emulated);
  const values: Record<string, string | undefined> = {
    ...Object.fromEntries(INHERITED.map(name => [name, process.env[name]])),
    ANTHROPIC_API_KEY: 'test-key',
    ANTHROPIC_BASE_URL: emulator.url,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    HOLDFAST_STATE_DIR: join(folder, 's'),
    HOLDFAST_TOOLS: tools,
    HOLDFAST_TOOL_ENV: 'EFFECTS',
    EFFECTS: join(folder, 'effects'),
    ...env,
  };
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  const encrypts = values.HOLDFAST_ENCRYPT ?? values.HOLDFAST_OLD_KEYS;
  const converter = encrypts && {
    dataConverter: dataConverter(readConfig(Object.fromEntries(given))),
  };
  const client = new Client({ connection, namespace, ...converter });
  return new World({ folder, emulator, client, env: Object.fromEntries(given) });
}

/** A world that ends with its test. */
export async function world(
  { task, onTestFinished }: TestContext,
  options: WorldOptions = {},
): Promise<World> {
  const made = await createWorld(pathToFileURL(task.file.filepath).href, options);
  onTestFinished(async () => {
    if (task.result?.state === 'fail') tell(made);
    await made.end();
  });
  return made;
}

/**
 * A world with one worker for all tests of a file, which may run at the same time: each has its own session.
 * Called at the top of the file with `import.meta.url`.
 */
export function sharedWorld(fileUrl: string, options: WorldOptions = {}): () => World {
  let made: World | undefined;
  let failed = false;
  beforeAll(async () => {
    made = await createWorld(fileUrl, options);
    await made.worker(...(options.workerArgs ?? []));
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(async () => {
    if (made !== undefined && failed) tell(made);
    await made?.end();
  });
  return () => {
    if (made === undefined) throw new Error('the world is made before the first test');
    return made;
  };
}

function tell({ processes }: World): void {
  for (const { args, stdout, stderr } of processes)
    console.error(`--- holdfast ${args.join(' ')}\n${stdout}${stderr}`);
}
