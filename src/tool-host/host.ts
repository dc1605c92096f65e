/** One session's tool host: tools, calls and server put together, and the ways it ends. */
import type { Server } from 'node:http';
import { Calls } from './calls.ts';
import { removeFile, replaceFile } from './durable-file.ts';
import { type HostConfig, type HostRecord, toolEnvironment } from './host-config.ts';
import { Journal, readIncarnation } from './journal.ts';
import { killAll } from './kill.ts';
import { hashModule } from './module-hash.ts';
import { bootId, identify, isAlive, type ProcessIdentity } from './processes.ts';
import { type CloseAnswer, type CloseRequest, type Health, PROTOCOL_VERSION } from './protocol.ts';
import { createHostServer } from './server.ts';
import { Toolbox } from './toolbox.ts';

export class ToolHost {
  readonly #config: HostConfig;
  readonly #toolbox: Toolbox;
  readonly #calls: Calls;
  readonly #server: Server;
  readonly #marks: readonly string[];
  #groups: ProcessIdentity[] = [];
  #moduleHash = '';
  #spokenAt = performance.now();
  #closing: Promise<CloseAnswer> | undefined;

  constructor(config: HostConfig) {
    this.#config = config;
    const { incarnation, limits, paths, commandPrefix, toolsModule } = config;
    this.#marks = [`HOLDFAST_HOST=${incarnation}`];
    const journal = new Journal(paths.journal, limits);
    const env = toolEnvironment(config.toolEnv, incarnation);
    const { workspace } = paths;
    const onGroup = (leader: ProcessIdentity): void => this.#noteGroup(leader);
    this.#toolbox = new Toolbox({
      workspace,
      journal: paths.journal,
      env,
      commandPrefix,
      toolsModule,
      limits,
      onGroup,
    });
    this.#calls = new Calls({ incarnation, journal, toolbox: this.#toolbox, limits });
    this.#server = createHostServer({
      incarnation,
      journal,
      calls: this.#calls,
      health: () => this.#health(),
      journalStands: () => this.#journalStands(),
      onJournalLost: () => void this.#leave('the journal is gone'),
      onSpoken: () => {
        this.#spokenAt = performance.now();
      },
      close: request => this.close(request),
      onClosed: () => process.exit(0),
    });
  }

  /** Serves when it resolves. Rejects with what keeps it from serving. */
  async start(): Promise<void> {
    const { paths, toolsModule, limits } = this.#config;
    if (!this.#journalStands())
      throw new Error(`there is no journal of this incarnation in ${paths.journal}`);
    this.#moduleHash = await hashModule(toolsModule);
    const problem = await this.#toolbox.start();
    if (problem !== undefined) throw new Error(problem);
    await removeFile(paths.socket);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(paths.socket, resolve);
    });
    await replaceFile(paths.hostRecord, JSON.stringify(this.#record()));
    setInterval(() => this.#look(), limits.journalCheckMs);
    process.on('SIGTERM', () => void this.#endInOrder('SIGTERM'));
    process.on('SIGHUP', () => {});
  }

  /** Ends all but the process itself. A second request joins the first. */
  close(request: CloseRequest): Promise<CloseAnswer> {
    if (this.#closing !== undefined) return this.#closing;
    const { running } = this.#calls;
    if (running.length > 0 && !request.killRunning) return Promise.resolve({ kind: 'busy', running });
    this.#closing = this.#close(request);
    return this.#closing;
  }

  async #close(request: CloseRequest): Promise<CloseAnswer> {
    const { paths, limits } = this.#config;
    const stoppedCalls = await this.#calls.shut(request.graceMs);
    const hookFailures = await this.#toolbox.close();
    const { killed, survivors } = await killAll({ marks: this.#marks, groups: this.#groups }, limits.killMs);
    await removeFile(paths.hostRecord);
    return { kind: 'closed', stoppedCalls, killed, survivors, hookFailures };
  }

  #health(): Omit<Health, 'kind'> {
    return {
      incarnation: this.#config.incarnation,
      pid: process.pid,
      tools: this.#toolbox.tools,
      moduleHash: this.#moduleHash,
      protocolVersion: PROTOCOL_VERSION,
      running: this.#calls.running,
      closing: this.#closing !== undefined,
      openerStartedAt: this.#config.openerStartedAt,
      unspokenForMs: Math.round(performance.now() - this.#spokenAt),
    };
  }

  #journalStands(): boolean {
    return readIncarnation(this.#config.paths.journal)?.incarnation === this.#config.incarnation;
  }

  #look(): void {
    if (!this.#journalStands()) return void this.#leave('the journal is gone');
    const unspoken = performance.now() - this.#spokenAt > this.#config.limits.unspokenMs;
    if (unspoken && this.#calls.running.length === 0) void this.#endInOrder('nobody spoke to it');
  }

  async #endInOrder(why: string): Promise<void> {
    console.error(`ending: ${why}`);
    await this.close({ graceMs: 0, killRunning: true });
    process.exit(0);
  }

  /** Without its journal a host has no past to answer from: its tools must not go on unseen. */
  async #leave(why: string): Promise<void> {
    console.error(`leaving: ${why}`);
    this.#server.close();
    const { limits } = this.#config;
    await killAll({ marks: this.#marks, groups: this.#groups }, limits.killMs);
    process.exit(1);
  }

  /** Recorded for those who clean up after us where marks cannot be read. */
  #noteGroup(leader: ProcessIdentity): void {
    this.#groups = [...this.#groups.filter(isAlive), leader];
    if (process.platform === 'linux' && this.#config.commandPrefix.length === 0) return;
    replaceFile(this.#config.paths.groups, JSON.stringify(this.#groups)).catch(() => {});
  }

  #record(): HostRecord {
    const { sessionId, incarnation, paths } = this.#config;
    const identity = identify(process.pid) ?? { pid: process.pid, startTime: '', bootId: bootId() };
    return { ...identity, sessionId, incarnation, socketPath: paths.socket };
  }
}
