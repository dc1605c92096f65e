/**
 * One persistent bash process of its own process group, fed through a pipe. After each command the shell prints a
 * marker with a nonce and the exit code; what stands before it is the command's output, passed on as it comes.
 * The command goes through `eval`, so that a syntax error or an open quote is answered at once instead of
 * swallowing the marker.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { killGroup } from '../kill-group.ts';
import { identify, type ProcessIdentity } from './processes.ts';
import type { Owner } from './tool-user.ts';

export type ShellResult =
  | { readonly kind: 'ended'; readonly output: string; readonly exitCode: number }
  /** The shell itself ended during the command; `reason` if it could not even start. */
  | { readonly kind: 'terminated'; readonly reason?: string }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'aborted' };

export interface ShellCommand {
  readonly command: string;
  /** Value of `HOLDFAST_CALL` for all that the command starts. */
  readonly callMark: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onOutput: (text: string) => void;
}

interface Waiting {
  readonly marker: string;
  readonly onOutput: (text: string) => void;
  readonly settle: (result: ShellResult) => void;
  /** Output not yet passed on because it may be the beginning of the marker. */
  withheld: string;
}

/** Characters of output that are kept, the last ones, our marker among them; the SDK's tool keeps as many. */
const KEPT_OUTPUT = 100 * 1024;
/** How long a dead shell's pipe is read for what it still holds: a background job may keep it open for ever. */
const DRAIN_MS = 50;
/** The shell's first standard output, out of the way of `exec >file` in a command. */
const MARKER_FD = 198;

export class ShellSession {
  readonly #shell: ChildProcessWithoutNullStreams;
  readonly identity: ProcessIdentity | undefined;
  #waiting: Waiting | undefined;
  #output = '';
  #truncated = false;
  #ended = false;
  #problem: string | undefined;

  constructor(options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly commandPrefix: readonly string[];
    readonly owner: Owner | undefined;
  }) {
    const [program = '/bin/bash', ...args] = [...options.commandPrefix, '/bin/bash', '--noprofile', '--norc'];
    this.#shell = spawn(program, args, {
      cwd: options.cwd,
      env: { ...options.env, PS1: '', PS2: '', TERM: 'dumb' },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      ...options.owner,
    });
    this.identity = this.#shell.pid === undefined ? undefined : identify(this.#shell.pid);
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => this.#take(text));
    }
    this.#shell.stdin.on('error', () => {});
    this.#shell.on('error', error => {
      this.#problem = error.message;
      this.#end();
    });
    this.#shell.once('close', () => this.#end());
    this.#shell.once('exit', () => setTimeout(() => this.#end(), DRAIN_MS));
    // No line of its own: bash counts lines in its errors.
    this.#shell.stdin.write(`exec ${MARKER_FD}>&1; `);
  }

  get ended(): boolean {
    return this.#ended || this.#shell.exitCode !== null || this.#shell.signalCode !== null;
  }

  /** Runs one command; the caller sees to it that no other runs. Settles at once on abort: then `kill` it. */
  run(command: ShellCommand): Promise<ShellResult> {
    if (this.ended) return Promise.resolve(this.#terminated());
    if (command.signal.aborted) return Promise.resolve({ kind: 'aborted' });
    const marker = `__HOLDFAST_ENDED_${randomUUID()}`;
    this.#output = '';
    this.#truncated = false;
    return new Promise(resolve => {
      const settle = (result: ShellResult): void => {
        clearTimeout(timer);
        command.signal.removeEventListener('abort', onAbort);
        const withheld = this.#waiting?.withheld ?? '';
        this.#waiting = undefined;
        if (result.kind !== 'ended') command.onOutput(withheld);
        resolve(result);
      };
      const onAbort = (): void => settle({ kind: 'aborted' });
      const timer = setTimeout(() => settle({ kind: 'timed-out' }), command.timeoutMs);
      command.signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting = { marker, onOutput: command.onOutput, settle, withheld: '' };
      this.#shell.stdin.write(scriptFor(command, marker));
    });
  }

  /** Kills the shell's process group. */
  kill(): void {
    this.#shell.stdout.destroy();
    this.#shell.stderr.destroy();
    this.#shell.stdin.destroy();
    killGroup(this.#shell);
    this.#end();
  }

  #take(text: string): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#pass(waiting, text);
    this.#output += text;
    if (this.#output.length > KEPT_OUTPUT) {
      this.#output = this.#output.slice(-KEPT_OUTPUT);
      this.#truncated = true;
    }
    const at = this.#output.indexOf(waiting.marker);
    const exitCode =
      at < 0 ? undefined : /^(\d+)\n/.exec(this.#output.slice(at + waiting.marker.length))?.[1];
    if (exitCode === undefined) return;
    const output = this.#output.slice(0, at).replace(ANSI, '').replace(/\n+$/, '');
    const told = this.#truncated ? `[output truncated]\n${output}` : output;
    waiting.settle({ kind: 'ended', output: told, exitCode: Number(exitCode) });
  }

  /** Hands output on as soon as it cannot be part of the marker. */
  #pass(waiting: Waiting, text: string): void {
    const pending = waiting.withheld + text;
    const framed = `\n${waiting.marker}`;
    const at = pending.indexOf(framed);
    const end = at >= 0 ? at : pending.length - overlap(pending, framed);
    waiting.withheld = pending.slice(end);
    if (end > 0) waiting.onOutput(pending.slice(0, end));
  }

  #end(): void {
    this.#ended = true;
    this.#waiting?.settle(this.#terminated());
  }

  #terminated(): ShellResult {
    return { kind: 'terminated', ...(this.#problem === undefined ? {} : { reason: this.#problem }) };
  }
}

/** What the SDK's tool strips: CSI sequences. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
const ANSI = /\x1b\[[0-9;?]*[ -/]*[@-~]/g;

/**
 * One line, so that line numbers in bash's errors are those of the command. Standard input is empty: a command that
 * reads gets its end instead of the shell's next line. The traces of our own commands under `set -x` go nowhere.
 */
function scriptFor({ command, callMark }: ShellCommand, marker: string): string {
  const run = `{ export HOLDFAST_CALL=${quote(callMark)}; eval ${quote(command)} 2>&1; } </dev/null 2>/dev/null`;
  // The quotes in the marker keep it out of what a trace of the input could show.
  const split = `${marker.slice(0, 8)}''${marker.slice(8)}`;
  // After an open quote bash takes the next line's `{` for a word; the empty line sets its parser right.
  return `${run}; { printf '\\n${split}%d\\n' $? >&${MARKER_FD}; } 2>/dev/null\n\n`;
}

function quote(text: string): string {
  const escaped = text.replaceAll('\0', '').replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `$'${escaped.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
}

/** How many characters at the end of `text` are a beginning of `of`. */
function overlap(text: string, of: string): number {
  for (let length = Math.min(text.length, of.length - 1); length > 0; length--) {
    if (text.endsWith(of.slice(0, length))) return length;
  }
  return 0;
}
