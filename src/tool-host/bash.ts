/**
 * The `bash` tool: the SDK's schema, texts and behaviour (`betaBashTool`), with output that can be read while the
 * command runs. One persistent shell a session; calls that come at once take turns.
 */
import { mkdir } from 'node:fs/promises';
import { callMark } from './paths.ts';
import type { ProcessIdentity } from './processes.ts';
import { ShellSession } from './shell-session.ts';
import { type ToolAnswer, type ToolCall, type ToolPlace, textAnswer } from './tool-run.ts';

export interface BashOptions extends ToolPlace {
  readonly timeoutMs: number;
  /** A sentence for the first result when an earlier shell of this workspace is gone. */
  readonly notice?: string;
  /** Told of every new shell. */
  readonly onShell: (leader: ProcessIdentity) => void;
}

const STOPPED_NOTICE =
  'Note: the shell was ended with the command that was stopped before this one; its working directory, ' +
  'variables and background jobs are gone, and this command ran in a new shell.';
/** Larger delays fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

export class BashTool {
  readonly #options: BashOptions;
  #shell: ShellSession | undefined;
  #notice: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: BashOptions) {
    this.#options = options;
    this.#notice = options.notice;
  }

  /** Never rejects: whatever the command does is an answer. */
  run(call: ToolCall): Promise<ToolAnswer> {
    const aborted = textAnswer(true, 'bash: This operation was aborted');
    const waiting = new Promise<ToolAnswer>(resolve => {
      const turn = this.#turn.then(() => {
        call.signal.removeEventListener('abort', onAbort);
        return call.signal.aborted ? aborted : this.#run(call);
      });
      const onAbort = (): void => resolve(aborted);
      call.signal.addEventListener('abort', onAbort, { once: true });
      this.#turn = turn.catch(() => {});
      resolve(turn);
    });
    return waiting;
  }

  close(): void {
    this.#shell?.kill();
    this.#shell = undefined;
  }

  async #run(call: ToolCall): Promise<ToolAnswer> {
    const input = readInput(call.input);
    if (typeof input === 'string') return textAnswer(true, input);
    if (input.restart) {
      this.close();
      this.#notice = undefined;
    }
    if (input.command === '') {
      return input.restart
        ? textAnswer(false, 'bash session restarted')
        : textAnswer(true, 'bash: command is required');
    }
    const shell = await this.#ready();
    if (shell.identity !== undefined) call.onGroup(shell.identity);
    const result = await shell.run({
      command: input.command,
      callMark: callMark(call.id),
      timeoutMs: Math.min(Math.max(input.timeoutMs ?? this.#options.timeoutMs, 1), LONGEST_TIMER_MS),
      signal: call.signal,
      onOutput: text => call.log.append(text),
    });
    if (result.kind === 'ended') {
      const failed = result.exitCode !== 0;
      const text = failed && result.output === '' ? `exit ${result.exitCode}` : result.output;
      return { ...textAnswer(failed, this.#withNotice(text)), exitStatus: result.exitCode };
    }
    // The command may still run and would print into the next one's output: the shell goes with it.
    this.close();
    switch (result.kind) {
      case 'timed-out':
        return {
          ...textAnswer(
            true,
            `bash: bash command timed out after ${input.timeoutMs ?? this.#options.timeoutMs}ms`,
          ),
          abandoned: true,
        };
      case 'aborted':
        this.#notice = STOPPED_NOTICE;
        return textAnswer(true, 'bash: This operation was aborted');
      case 'terminated':
        return textAnswer(true, `bash: ${result.reason ?? 'bash session terminated'}`);
    }
  }

  async #ready(): Promise<ShellSession> {
    if (this.#shell?.ended === true) this.close();
    if (this.#shell !== undefined) return this.#shell;
    const { workspace, env, commandPrefix, owner } = this.#options;
    // A command may have removed the working directory; a shell cannot start in a missing one.
    await mkdir(workspace, { recursive: true, mode: 0o700 });
    const shell = new ShellSession({ cwd: workspace, env, commandPrefix, owner });
    if (shell.identity !== undefined) this.#options.onShell(shell.identity);
    this.#shell = shell;
    return shell;
  }

  #withNotice(text: string): string {
    const notice = this.#notice;
    this.#notice = undefined;
    return notice === undefined ? text : `[${notice}]\n${text}`;
  }
}

interface BashInput {
  readonly command: string;
  readonly restart: boolean;
  readonly timeoutMs?: number;
}

/** The input, or what is wrong with it. */
function readInput(input: unknown): BashInput | string {
  const fields = typeof input === 'object' && input !== null ? input : {};
  const command = 'command' in fields ? (fields.command ?? '') : '';
  const timeoutMs = 'timeout_ms' in fields ? (fields.timeout_ms ?? undefined) : undefined;
  const restart = 'restart' in fields && Boolean(fields.restart);
  if (typeof command !== 'string') return 'bash: command must be a string';
  if (timeoutMs === undefined) return { command, restart };
  if (typeof timeoutMs !== 'number' || !Number.isFinite(timeoutMs)) {
    return 'bash: timeout_ms must be a number of milliseconds';
  }
  return { command, restart, timeoutMs };
}
