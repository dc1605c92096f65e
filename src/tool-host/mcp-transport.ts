/**
 * The pipe to a local MCP server. The client's own stdio transport drops the exit status, skips what is not JSON
 * without a word, waits for ever on a server that has closed its input, and starts it in our process group; here each
 * of these is told or ended, for a call that waits must get an answer with evidence (I8, I12).
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import {
  type JSONRPCMessage,
  parseJSONRPCMessage,
  serializeMessage,
  type Transport,
} from '@modelcontextprotocol/client';
import { errorText } from '../error-text.ts';
import { identify, type ProcessIdentity } from './processes.ts';

export interface McpProcess {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Takes its standard error, and what it prints that is no message. */
  readonly onOutput: (chunk: Buffer) => void;
  /** Told of the process group that it leads, so that whoever cleans up finds it; without, it stays in ours. */
  readonly onGroup?: ((leader: ProcessIdentity) => void) | undefined;
}

/** A longer line is no message: a result is cut at 8 MB. */
const LINE_BYTES = 32 * 1024 * 1024;
/** How long a server may take to end when its input is closed. */
const END_MS = 500;
/** How long the pipes of an ended server are read on. */
const DRAIN_MS = 200;
const SHOWN = 200;

export class McpTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];
  readonly #process: McpProcess;
  #child: ChildProcessWithoutNullStreams | undefined;
  #line: Buffer[] = [];
  #lineBytes = 0;
  #ending: string | undefined;
  #closed = false;

  constructor(process: McpProcess) {
    this.#process = process;
  }

  /** How the server ended, once it has: `ended with exit code 3`. */
  get ending(): string | undefined {
    return this.#ending;
  }

  start(): Promise<void> {
    const { command, args, cwd, env, onGroup } = this.#process;
    const detached = onGroup !== undefined;
    const child = spawn(command, [...args], { cwd, env: { ...env }, stdio: 'pipe', detached });
    this.#child = child;
    const leader = child.pid === undefined ? undefined : identify(child.pid);
    if (leader !== undefined) onGroup?.(leader);
    child.stdout.on('data', (chunk: Buffer) => this.#read(chunk));
    child.stderr.on('data', this.#process.onOutput);
    // It would never see another request. A server that has ended is told of by its exit, which may come a little later.
    child.stdin.on('error', () => setTimeout(() => this.#fail('closed its standard input'), DRAIN_MS));
    child.once('exit', (code, signal) => {
      const how = code === null ? `was killed by ${signal}` : `ended with exit code ${code}`;
      // Its last words may still be in the pipes, which something that it started may hold open.
      const timer = setTimeout(() => this.#end(how), DRAIN_MS);
      child.once('close', () => {
        clearTimeout(timer);
        this.#end(how);
      });
    });
    return new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', error => {
        this.#ending ??= `did not start: ${errorText(error)}`;
        reject(error);
      });
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin === undefined || !stdin.writable) throw new Error('it takes no messages any more');
    stdin.write(serializeMessage(message));
  }

  /** Lets the server end by itself for a moment, then kills it with its group. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.#closed) return;
    this.#ending ??= 'was ended';
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) {
      await Promise.race([
        new Promise(resolve => child.once('exit', resolve)),
        new Promise(resolve => setTimeout(resolve, END_MS)),
      ]);
    }
    this.#end('was ended');
  }

  /** Ends the server for what it did. */
  fail(what: string): void {
    this.#fail(what);
  }

  #fail(what: string): void {
    if (this.#closed) return;
    this.#ending ??= what;
    this.#kill();
    this.#end(what);
  }

  #end(how: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ending ??= how;
    this.#kill();
    this.#child?.stdout.destroy();
    this.#child?.stderr.destroy();
    this.#line = [];
    this.onclose?.();
  }

  #kill(): void {
    const child = this.#child;
    child?.kill('SIGKILL');
    try {
      if (child?.pid !== undefined && this.#process.onGroup !== undefined)
        process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The whole group is gone.
    }
  }

  #read(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0; ) {
      const end = rest.indexOf(0x0a);
      const part = end < 0 ? rest : rest.subarray(0, end);
      this.#line.push(part);
      this.#lineBytes += part.length;
      if (this.#lineBytes > LINE_BYTES) {
        this.#fail(`wrote ${this.#lineBytes} bytes without a line end`);
        return;
      }
      if (end < 0) return;
      const line = Buffer.concat(this.#line);
      this.#line = [];
      this.#lineBytes = 0;
      this.#take(line);
      rest = rest.subarray(end + 1);
    }
  }

  #take(line: Buffer): void {
    const text = line.toString('utf8').trim();
    if (text === '' || this.#closed) return;
    let value: unknown;
    try {
      value = JSON.parse(text);
      this.onmessage?.(parseJSONRPCMessage(value));
    } catch (error) {
      this.#process.onOutput(Buffer.from(`[no MCP message] ${text.slice(0, SHOWN)}\n`));
      this.#answerNonsense(value, text);
      this.onerror?.(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** An answer that is none must end its request, which would wait for another in vain. */
  #answerNonsense(value: unknown, text: string): void {
    const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
    if (typeof id !== 'number' && typeof id !== 'string') return;
    const message = `it answered what is no MCP message: ${text.slice(0, SHOWN)}`;
    this.onmessage?.({ jsonrpc: '2.0', id, error: { code: -32603, message } });
  }
}
