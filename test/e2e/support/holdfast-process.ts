/** A child process of `bin/holdfast.js`, or of an example, as a user would start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';

const BIN = fileURLToPath(new URL('../../../bin/holdfast.js', import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class HoldfastProcess {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
  /** Resolves when the process has ended and its output is read. */
  readonly exit: Promise<Exit>;
  stdout = '';
  stderr = '';
  #ended = false;
  readonly #child: ChildProcess;

  /** @param program what Node is told before the arguments. */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    cwd: string,
    program: readonly string[] = [BIN],
  ) {
    this.args = args;
    this.env = env;
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    this.#child = spawn(process.execPath, [...program, ...args], { env, cwd, stdio: [...stdio] });
    this.pid = this.#child.pid ?? 0;
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exit = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#ended = true;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
    this.exit.catch(() => {});
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Waits until this stands in what it wrote; fails at once when it ends before. */
  async says(text: string | RegExp): Promise<this> {
    const found = () => {
      const said = this.stdout + this.stderr;
      return typeof text === 'string' ? said.includes(text) : text.test(said);
    };
    await eventually(`${this.args.join(' ')} says ${text}; it said: ${this.stderr}`, () => {
      if (!found() && this.#ended)
        throw new Error(`${this.args.join(' ')} ended without saying ${text}: ${this.stderr}`);
      return found();
    });
    return this;
  }

  /** Sends a signal to this process alone, and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<Exit> {
    if (!this.#ended) this.#child.kill(signal);
    return this.exit;
  }

  /** As `end`, but a process that is not gone after `limitMs` is killed: then the answer is false. */
  async endWithin(signal: NodeJS.Signals, limitMs: number): Promise<boolean> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs);
    const exit = await this.end(signal);
    clearTimeout(timer);
    return exit.signal !== 'SIGKILL' || signal === 'SIGKILL';
  }
}
