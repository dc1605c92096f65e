/** Two processes that serve the sessions, and a supervisor that starts them again however they end. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Env } from '../child-env.ts';
import { lastWords, startLogged } from '../logged-process.ts';
import type { TetheredProcess } from '../tethered-process.ts';

export interface WorkersOptions {
  readonly folder: string;
  /** Where logs go, a file for each process. */
  readonly logs: string;
  /** Arguments of Node for each of the two. */
  readonly args: readonly [readonly string[], readonly string[]];
  readonly env: Env;
  /** What a process writes once it serves. */
  readonly readyText: string;
}

export type Slot = 0 | 1;
export const SLOTS: readonly Slot[] = [0, 1];

interface Place {
  process: TetheredProcess | undefined;
  logFile: string;
  starts: number;
  isStarting: boolean;
  isReady: boolean;
}

/** A machine with many sessions and few cores may need its time. */
const READY_MS = 180_000;
const POLL_MS = 25;
/** A supervisor waits this long before it starts again what ended by itself. */
const RESTART_MS = 500;
const STOP_MS = 10_000;

export class Workers {
  readonly #options: WorkersOptions;
  readonly #places: readonly [Place, Place];
  readonly #selfEnded: string[] = [];
  #closed = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
    const place = (): Place => ({
      process: undefined,
      logFile: '',
      starts: 0,
      isStarting: false,
      isReady: false,
    });
    this.#places = [place(), place()];
  }

  /** Ends that nobody caused, each with the last words of the log. */
  get selfEnded(): readonly string[] {
    return this.#selfEnded;
  }

  isUp(slot: Slot): boolean {
    return this.#places[slot].process !== undefined;
  }

  /** Starts what is not up. */
  async start(slot: Slot): Promise<void> {
    const place = this.#places[slot];
    if (this.#closed || place.isStarting || place.process !== undefined) return;
    place.isStarting = true;
    const { folder, logs, args, env } = this.#options;
    place.starts++;
    place.isReady = false;
    place.logFile = join(logs, `worker-${slot + 1}-${String(place.starts).padStart(3, '0')}.log`);
    const started = await startLogged({ args: args[slot], env, cwd: folder, logFile: place.logFile }).finally(
      () => {
        place.isStarting = false;
      },
    );
    place.process = started;
    void started.exited.then(exit => this.#ended(slot, started, exit.signal ?? `exit ${exit.code}`));
    if (this.#closed) await started.stop(0);
  }

  /** Resolves when the process serves. @throws the signal's reason; Error where it does not within three minutes. */
  async ready(slot: Slot, signal: AbortSignal): Promise<void> {
    const place = this.#places[slot];
    const deadline = performance.now() + READY_MS;
    while (!place.isReady) {
      signal.throwIfAborted();
      const { process: asked, logFile } = place;
      const says = asked !== undefined && (await contains(logFile, this.#options.readyText));
      // Another may have taken its place while the log was read.
      if (says && place.process === asked) place.isReady = true;
      if (place.isReady) return;
      if (performance.now() > deadline)
        throw new Error(`worker ${slot + 1} does not serve: ${await lastWords(place.logFile)}`);
      await sleep(POLL_MS);
    }
  }

  /** SIGKILL. Resolves when it is gone; nothing happens where it is not up. */
  async kill(slot: Slot): Promise<void> {
    const place = this.#places[slot];
    const victim = place.process;
    if (victim === undefined) return;
    place.process = undefined;
    place.isReady = false;
    process.kill(victim.pid, 'SIGKILL');
    await victim.exited;
  }

  /** SIGSTOP. @returns what wakes it again, unless it was killed meanwhile. */
  freeze(slot: Slot): () => void {
    const place = this.#places[slot];
    const victim = place.process;
    if (victim === undefined) return () => {};
    process.kill(victim.pid, 'SIGSTOP');
    return () => {
      if (place.process === victim) process.kill(victim.pid, 'SIGCONT');
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      this.#places.map(async place => {
        const ending = place.process;
        place.process = undefined;
        if (ending === undefined) return;
        // A frozen one would not hear that it is to end.
        process.kill(ending.pid, 'SIGCONT');
        await ending.stop(STOP_MS);
      }),
    );
  }

  async #ended(slot: Slot, ended: TetheredProcess, how: string): Promise<void> {
    const place = this.#places[slot];
    if (place.process !== ended) return;
    place.process = undefined;
    place.isReady = false;
    this.#selfEnded.push(`worker ${slot + 1} (${how}): ${await lastWords(place.logFile)}`);
    await sleep(RESTART_MS);
    await this.start(slot);
  }
}

async function contains(file: string, text: string): Promise<boolean> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, 0);
    return buffer.toString('utf8', 0, bytesRead).includes(text);
  } finally {
    await handle.close();
  }
}
