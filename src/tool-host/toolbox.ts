/** All tools of a workspace: which there are, and the way each is run. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServedTool } from '../session/served-tool.ts';
import { BashTool } from './bash.ts';
import { BUILTIN_TOOLS } from './builtin-tools.ts';
import type { HostLimits } from './limits.ts';
import type { MountRoots } from './mount-protocol.ts';
import type { ProcessIdentity } from './processes.ts';
import { runProgram } from './program-tool.ts';
import { ToolPool } from './tool-pool.ts';
import { type ToolAnswer, type ToolCall, textAnswer } from './tool-run.ts';
import type { Owner } from './tool-user.ts';

export interface ToolboxOptions {
  readonly workspace: string;
  readonly journal: string;
  /** Folders outside the workspace that the file tools may reach at this moment. */
  readonly roots: () => MountRoots;
  /** The environment of tools, `HOLDFAST_HOST` included. */
  readonly env: Readonly<Record<string, string>>;
  readonly commandPrefix: readonly string[];
  /** Whom tools run as; undefined: the user of this process. */
  readonly owner: Owner | undefined;
  readonly toolsModule: string | undefined;
  readonly limits: HostLimits;
  readonly onGroup: (leader: ProcessIdentity) => void;
}

const SHELL_LOST =
  'Note: the tool host was restarted. The shell of the earlier commands is gone, and with it its working directory, ' +
  'variables and background jobs; this command ran in a new shell. Files in the workspace are kept.';

/** A full disk costs the note of a lost shell, not the shell. */
function noteShell(mark: string): void {
  try {
    writeFileSync(mark, '');
  } catch {
    // The next host will not know of it.
  }
}

export class Toolbox {
  readonly #options: ToolboxOptions;
  readonly #bash: BashTool;
  readonly #pool: ToolPool;

  constructor(options: ToolboxOptions) {
    this.#options = options;
    const { workspace, env, commandPrefix, owner, limits, toolsModule } = options;
    // Left by the first shell of this incarnation: if it stands when a host starts, that shell is lost.
    const shellMark = join(options.journal, 'shell-started');
    this.#bash = new BashTool({
      workspace,
      env,
      commandPrefix,
      owner,
      timeoutMs: limits.bashTimeoutMs,
      ...(existsSync(shellMark) ? { notice: SHELL_LOST } : {}),
      onShell: leader => {
        noteShell(shellMark);
        options.onGroup(leader);
      },
    });
    this.#pool = new ToolPool(
      {
        data: { toolsModule, workspace, maxResultBytes: limits.maxResultBytes },
        env,
        memoryMb: limits.threadMemoryMb,
        owner,
      },
      limits,
    );
  }

  get tools(): readonly ServedTool[] {
    return [...BUILTIN_TOOLS, ...this.#pool.tools];
  }

  serves(name: string): boolean {
    return this.tools.some(tool => tool.name === name);
  }

  /** Whether the tool is child processes alone, which may be killed without asking. */
  isProcess(name: string): boolean {
    return name === 'bash' || this.#pool.program(name) !== undefined;
  }

  /** Loads the user's module. @returns what is wrong with it, if anything. */
  async start(): Promise<string | undefined> {
    const ready = await this.#pool.start();
    return ready.kind === 'broken' ? ready.message : undefined;
  }

  /** Never rejects. After an abort it settles within `abortGraceMs` and a little. */
  async run(call: ToolCall): Promise<ToolAnswer> {
    if (call.name === 'bash') return this.#bash.run(call);
    const end = await this.#pool.run(call, this.#options.roots());
    switch (end.kind) {
      case 'answer':
        return end;
      case 'died':
        return { ...textAnswer(true, `Error: ${end.reason}`), abandoned: true };
      case 'run-program': {
        const program = this.#pool.program(call.name);
        if (program === undefined) return textAnswer(true, `Error: no program for ${call.name}`);
        const { workspace, env, commandPrefix, owner, limits, onGroup } = this.#options;
        const note = (leader: ProcessIdentity): void => {
          onGroup(leader);
          call.onGroup(leader);
        };
        const { maxResultBytes } = limits;
        return runProgram(
          program,
          { ...call, onGroup: note },
          { workspace, env, commandPrefix, owner, maxResultBytes },
        );
      }
    }
  }

  /** Runs the close hooks, then ends shell and threads. @returns the hooks that failed. */
  async close(): Promise<readonly string[]> {
    const failures = await this.#pool.runCloseHooks();
    this.#bash.close();
    await this.#pool.terminate();
    return failures;
  }
}
