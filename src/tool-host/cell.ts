/**
 * Where code runs that is not the tool host's own: a thread, or a process of the tool user where there is one. Both
 * have the same entry, which sees the difference in `cell-port.ts` only. No answer of a cell is taken for more than
 * the answer to what it was asked.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { compileCache } from './compile-cache.ts';
import { hostEnvironment } from './host-config.ts';
import type { Owner } from './tool-user.ts';

export interface CellOptions<Out> {
  readonly entry: 'tool-thread' | 'mount-thread' | 'mcp-thread';
  readonly data: unknown;
  /** All of its environment, `HOLDFAST_HOST` included. */
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMb?: number;
  readonly owner: Owner | undefined;
  readonly onMessage: (message: Out) => void;
  readonly onError: (error: Error) => void;
  /** @param how `exit code 1`, `SIGKILL`. */
  readonly onExit: (how: string) => void;
}

export interface Cell<In> {
  /** Of a process; undefined for a thread. */
  readonly pid: number | undefined;
  readonly output: readonly Readable[];
  post(message: In): void;
  terminate(): Promise<void>;
  /** Bytes beside the heap, which `memoryMb` bounds by itself; undefined when it is gone. */
  outsideHeap(): Promise<number | undefined>;
}

/** What a process says of itself, beside the messages of its entry. */
export interface CellFailure {
  readonly kind: 'cell-failed';
  readonly message: string;
}

/** Sources run from `.ts`, a build from `.js`. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
/** What Node takes before it has loaded anything of ours. */
const BASE_BYTES = 100 * 1024 * 1024;
const STDERR_CHARACTERS = 4_096;
const PAGE_BYTES = 4_096;

export function startCell<In extends object, Out>(options: CellOptions<Out>): Cell<In> {
  return options.owner === undefined ? startThread(options) : startProcess(options, options.owner);
}

function startThread<In extends object, Out>(options: CellOptions<Out>): Cell<In> {
  const { memoryMb } = options;
  const worker = new Worker(new URL(`./${options.entry}${EXTENSION}`, import.meta.url), {
    name: options.entry,
    workerData: options.data,
    env: { ...options.env, ...compileCache() },
    execArgv: [],
    stdout: true,
    stderr: true,
    ...(memoryMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: memoryMb } }),
  });
  worker.on('message', (message: Out) => options.onMessage(message));
  worker.on('error', error => options.onError(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', code => options.onExit(`exit code ${code}`));
  return {
    pid: undefined,
    output: [worker.stdout, worker.stderr],
    post: message => worker.postMessage(message),
    terminate: async () => void (await worker.terminate()),
    outsideHeap: () =>
      worker.getHeapStatistics().then(
        heap => heap.external_memory,
        () => undefined,
      ),
  };
}

function startProcess<In extends object, Out>(options: CellOptions<Out>, owner: Owner): Cell<In> {
  const { entry, data, env, memoryMb, onMessage, onError, onExit } = options;
  const heap = memoryMb === undefined ? [] : [`--max-old-space-size=${memoryMb}`];
  const file = new URL(`./as-tool-user${EXTENSION}`, import.meta.url).pathname;
  const child = spawn(
    process.execPath,
    [...heap, '--disable-warning=ExperimentalWarning', file, String(owner.uid), String(owner.gid), entry],
    // It begins as root: what users let tools see (NODE_OPTIONS, LD_PRELOAD) comes with the first message.
    { env: bareEnvironment(env), stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true },
  );
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('latin1')).slice(-STDERR_CHARACTERS);
  });
  child.on('message', (message: Out | CellFailure) => {
    if (isFailure(message)) return onError(new Error(String(message.message)));
    // What it printed before stands in the pipe: that goes first.
    setImmediate(() => onMessage(message));
  });
  child.once('error', onError);
  child.once('exit', (code, signal) => {
    if (said.includes('heap out of memory'))
      onError(Object.assign(new Error(said), { code: 'ERR_WORKER_OUT_OF_MEMORY' }));
    onExit(code === null ? String(signal) : `exit code ${code}`);
  });
  const post = (message: object): void => {
    if (child.connected) child.send(message, () => {});
  };
  post({ data, env });
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  return {
    pid: child.pid,
    output: [child.stdout, child.stderr].filter(stream => stream !== null),
    post,
    terminate: async () => {
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await exited;
    },
    outsideHeap: async () => residentBytes(child),
  };
}

function bareEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return hostEnvironment(env, env.HOLDFAST_HOST);
}

function isFailure(message: unknown): message is CellFailure {
  return (
    typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'cell-failed'
  );
}

function residentBytes(child: ChildProcess): number | undefined {
  try {
    const pages = Number(readFileSync(`/proc/${child.pid}/statm`, 'latin1').split(' ')[1]);
    return Math.max(0, pages * PAGE_BYTES - BASE_BYTES);
  } catch {
    return undefined;
  }
}
