/** One session's tool host: tools, calls and server put together, and the ways it ends. */
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { failpoint } from '../failpoint.ts';
import { Calls } from './calls.ts';
import { removeFile, replaceFile } from './durable-file.ts';
import { Fence } from './fence.ts';
import { type HostConfig, type HostRecord, hostEnvironment, toolEnvironment } from './host-config.ts';
import { boundLog } from './host-log.ts';
import { Journal, readIncarnation } from './journal.ts';
import { type KillReport, killAll } from './kill.ts';
import { hashOf } from './module-hash.ts';
import { Mounts } from './mounts.ts';
import { bootId, identify, isAlive, type ProcessIdentity } from './processes.ts';
import {
  type CloseAnswer,
  type CloseRequest,
  type Health,
  PROTOCOL_VERSION,
  type ReloadAnswer,
} from './protocol.ts';
import { createHostServer } from './server.ts';
import { noteFor } from './session-notes.ts';
import type { ToolsVersion } from './tool-set.ts';
import { homeOf, isolationMark, sessionGid } from './tool-user.ts';
import { Toolbox } from './toolbox.ts';

const FLUSH_MS = 500;
const FENCE_CHECK_MS = 1_000;
/** What recording the fenced calls may take; their tools are dead by then. */
const FENCE_RECORD_MS = 10_000;

export class ToolHost {
  readonly #config: HostConfig;
  readonly #toolbox: Toolbox;
  readonly #calls: Calls;
  readonly #mounts: Mounts;
  readonly #server: Server;
  readonly #fence: Fence;
  readonly #marks: readonly string[];
  #groups: ProcessIdentity[] = [];
  #moduleHash = '';
  #reloading: Promise<unknown> = Promise.resolve();
  #fenced = false;
  #spokenAt = performance.now();
  /** Requests that wait for an answer. */
  #speaking = 0;
  #closing: Promise<CloseAnswer> | undefined;

  constructor(config: HostConfig) {
    this.#config = config;
    const { incarnation, limits, paths, owner, toolsModule, source, mcpLists } = config;
    this.#marks = [`HOLDFAST_HOST=${incarnation}`];
    const journal = new Journal(paths.journal, limits);
    const toolEnv = { ...config.toolEnv, ...homeOf(paths, owner) };
    const env = toolEnvironment(toolEnv, incarnation);
    const { workspace } = paths;
    const commandPrefix = config.commandPrefix.map(word => word.replaceAll('{workspace}', workspace));
    const onGroup = (leader: ProcessIdentity): void => this.#noteGroup(leader);
    this.#mounts = new Mounts({
      workspace,
      journal: paths.journal,
      env: hostEnvironment(toolEnv, incarnation),
      owner,
    });
    this.#toolbox = new Toolbox({
      workspace,
      roots: () => this.#mounts.roots,
      journal: paths.journal,
      env,
      commandPrefix,
      owner,
      version: { toolsModule, source, mcpLists },
      limits,
      onGroup,
    });
    this.#fence = new Fence(config.hostLostMs);
    this.#calls = new Calls({ incarnation, journal, toolbox: this.#toolbox, limits, fence: this.#fence });
    this.#server = createHostServer({
      incarnation,
      journal,
      calls: this.#calls,
      health: () => this.#health(),
      journalStands: () => this.#journalStands(),
      onJournalLost: () => void this.#leave('the journal is gone'),
      onSpoken: change => {
        this.#spokenAt = performance.now();
        this.#speaking += change;
      },
      mount: request => this.#mounts.mount(request),
      reload: version => this.#reload(version),
      close: request => this.close(request),
      onClosed: () => void this.#exit(0),
    });
  }

  /** Serves when it resolves. Rejects with what keeps it from serving. */
  async start(): Promise<void> {
    const { paths, limits, hostLostMs } = this.#config;
    if (!this.#journalStands())
      throw new Error(`there is no journal of this incarnation in ${paths.journal}`);
    this.#moduleHash = await hashOf(this.#config);
    const problem = await this.#toolbox.start();
    if (problem !== undefined) throw new Error(problem);
    await removeFile(paths.socket);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(paths.socket, resolve);
    });
    await failpoint('host.unrecorded');
    await replaceFile(paths.hostRecord, JSON.stringify(this.#record()));
    setInterval(() => this.#look(), limits.journalCheckMs);
    if (hostLostMs > 0) setInterval(() => this.#guard(), Math.min(FENCE_CHECK_MS, hostLostMs / 20));
    process.on('SIGTERM', () => void this.#endInOrder('SIGTERM'));
    process.on('SIGHUP', () => {});
  }

  /** Ends all but the process itself. A second request joins the first, and may cut its grace short. */
  close(request: CloseRequest): Promise<CloseAnswer> {
    if (this.#closing !== undefined) {
      if (request.killRunning && request.graceMs === 0) this.#calls.stopAll();
      return this.#closing;
    }
    if (!this.#calls.idle && !request.killRunning) {
      return Promise.resolve({ kind: 'busy', running: this.#calls.running });
    }
    this.#closing = this.#close(request);
    return this.#closing;
  }

  async #close(request: CloseRequest): Promise<CloseAnswer> {
    const { paths } = this.#config;
    const stoppedCalls = await this.#calls.shut(request.graceMs);
    const hookFailures = await this.#toolbox.close();
    const { killed, survivors } = await this.#killTools(this.#mounts.pids);
    // After the tools: what they still wrote belongs to the last sync.
    const mountFailures = await this.#mounts.unmount();
    await removeFile(paths.hostRecord);
    // `process.exit` would leave it behind.
    await removeFile(paths.socket);
    await failpoint('close.ended');
    return { kind: 'closed', stoppedCalls, killed, survivors, hookFailures, mountFailures };
  }

  /** One after the other: the last version that was asked for is the one that stays. */
  #reload(version: ToolsVersion): Promise<ReloadAnswer> {
    const reloaded = this.#reloading.then(async (): Promise<ReloadAnswer> => {
      const problem = await this.#toolbox.replace(version);
      if (problem !== undefined) return { kind: 'broken', message: problem };
      this.#moduleHash = await hashOf(version);
      return { kind: 'reloaded', tools: this.#toolbox.tools, moduleHash: this.#moduleHash };
    });
    this.#reloading = reloaded.catch(() => undefined);
    return reloaded;
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
      isolation: isolationMark(this.#config.owner, this.#config.commandPrefix),
      hostLostMs: this.#config.hostLostMs,
      spokenAt: performance.timeOrigin + this.#spokenAt,
      quietMs: this.#speaking > 0 ? 0 : performance.now() - this.#spokenAt,
    };
  }

  #journalStands(): boolean {
    try {
      return readIncarnation(this.#config.paths.journal)?.incarnation === this.#config.incarnation;
    } catch (error) {
      // A tool may have taken all file descriptors: that is no reason to kill its siblings (I12).
      console.error(`the journal cannot be read: ${String(error)}`);
      return true;
    }
  }

  #look(): void {
    if (!this.#journalStands()) return void this.#leave('the journal is gone');
    boundLog(process.stderr.fd);
    const unspoken = performance.now() - this.#spokenAt > this.#config.limits.unspokenMs;
    if (unspoken && this.#speaking === 0 && this.#calls.idle) void this.#endInOrder('nobody spoke to it');
  }

  #guard(): void {
    if (this.#fenced || this.#calls.running.length === 0 || !this.#fence.isOver) return;
    this.#fenced = true;
    void this.#fenceOff();
  }

  /** Another host may go on with the session soon: nothing of it may run here then (§4, A lost host). */
  async #fenceOff(): Promise<void> {
    const seconds = Math.round(this.#fence.limitMs / 1_000);
    const why = `its machine heard nothing from Temporal for ${seconds} s and ended the tool`;
    console.error(`fenced: nothing heard from Temporal for ${seconds} s`);
    const { paths } = this.#config;
    const dead = this.#killTools();
    void noteFor(paths, `The tool host fenced itself: nothing heard from Temporal for ${seconds} s.`);
    await Promise.race([Promise.all([this.#calls.fence(why), dead]), sleep(FENCE_RECORD_MS)]);
    await this.#exit(0);
  }

  async #endInOrder(why: string): Promise<void> {
    console.error(`ending: ${why}`);
    const noted = noteFor(this.#config.paths, `the tool host ended itself: ${why}`);
    await Promise.all([this.close({ graceMs: 0, killRunning: true }), noted]);
    await this.#exit(0);
  }

  /** Those who wait for a call that was stopped get their answer first. */
  async #exit(code: number): Promise<void> {
    const deadline = performance.now() + FLUSH_MS;
    while (this.#speaking > 0 && performance.now() < deadline) await sleep(1);
    process.exit(code);
  }

  /** Without its journal a host has no past to answer from: its tools must not go on unseen. */
  async #leave(why: string): Promise<void> {
    console.error(`leaving: ${why}`);
    this.#server.close();
    await this.#killTools();
    await this.#exit(1);
  }

  /** All that tools have started; with a group of its own, also what has shed its marks. */
  async #killTools(spare: readonly number[] = []): Promise<KillReport> {
    const { limits, paths } = this.#config;
    const gid = await sessionGid(paths);
    return killAll({ marks: this.#marks, groups: this.#groups, gid, spare }, limits.killMs);
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
