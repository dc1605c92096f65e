/** All tools of a workspace: which there are, and the way each is run. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServedTool } from '../session/served-tool.ts';
import { BashTool } from './bash.ts';
import { BUILTIN_TOOLS } from './builtin-tools.ts';
import type { MountRoots } from './mount-protocol.ts';
import type { ToolAnswer, ToolCall } from './tool-run.ts';
import { ToolSet, type ToolSetOptions, type ToolsVersion } from './tool-set.ts';

export interface ToolboxOptions extends ToolSetOptions {
  readonly journal: string;
  /** Folders outside the workspace that the file tools may reach at this moment. */
  readonly roots: () => MountRoots;
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
  #set: ToolSet;
  /** Earlier versions of the module whose last calls still run. */
  readonly #retiring = new Set<ToolSet>();
  /** Which version runs a call, by the call's id. */
  readonly #runningOn = new Map<string, ToolSet>();

  constructor(options: ToolboxOptions) {
    this.#options = options;
    const { workspace, env, commandPrefix, owner, limits, version } = options;
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
    this.#set = this.#setOf(version);
  }

  get tools(): readonly ServedTool[] {
    return [...BUILTIN_TOOLS, ...this.#set.tools];
  }

  serves(name: string): boolean {
    return this.tools.some(tool => tool.name === name);
  }

  /** Whether the running call's tool is child processes alone, which may be killed without asking. */
  isProcess(callId: string, name: string): boolean {
    return name === 'bash' || this.#runningOn.get(callId)?.isProgram(name) === true;
  }

  /** Loads the user's module. @returns what is wrong with it, if anything. */
  start(): Promise<string | undefined> {
    return this.#set.start();
  }

  /**
   * Calls that start from now on run this version; running ones end on theirs. @returns what is wrong with it, if
   * anything: then nothing has changed.
   */
  async replace(version: ToolsVersion): Promise<string | undefined> {
    const next = this.#setOf(version);
    const problem = await next.start();
    if (problem !== undefined) return problem;
    const old = this.#set;
    this.#set = next;
    this.#retiring.add(old);
    void old.retire().then(failures => {
      this.#retiring.delete(old);
      for (const failure of failures) console.error(`close hook of an earlier version: ${failure}`);
    });
    return undefined;
  }

  /** Never rejects. After an abort it settles within `abortGraceMs` and a little. */
  async run(call: ToolCall): Promise<ToolAnswer> {
    if (call.name === 'bash') return this.#bash.run(call);
    const set = this.#set;
    this.#runningOn.set(call.id, set);
    try {
      return await set.run(call, this.#options.roots());
    } finally {
      this.#runningOn.delete(call.id);
    }
  }

  /** Runs the close hooks, then ends shell, threads and servers. @returns the hooks that failed. */
  async close(): Promise<readonly string[]> {
    const sets = [this.#set, ...this.#retiring];
    const failures = await Promise.all(sets.map(set => set.close()));
    this.#bash.close();
    return failures.flat();
  }

  #setOf(version: ToolsVersion): ToolSet {
    const { workspace, env, commandPrefix, owner, limits, onGroup } = this.#options;
    return new ToolSet({ workspace, env, commandPrefix, owner, limits, version, onGroup });
  }
}
