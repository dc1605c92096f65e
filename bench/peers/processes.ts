/** The processes of one peer: started, awaited, struck, and ended. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastWords } from '../../src/dev/logged-process.ts';
import type { TetheredProcess } from '../../src/dev/tethered-process.ts';

export type Start = (logFile: string) => Promise<TetheredProcess>;

const READY_MS = 120_000;
const STOP_MS = 15_000;
const POLL_MS = 10;

export class PeerProcesses {
  readonly #folder: string;
  readonly #readyText: string;
  readonly #signal: AbortSignal;
  readonly #live = new Map<number, TetheredProcess>();
  #started = 0;

  /** @param readyText what a process writes once it serves. */
  constructor(folder: string, readyText: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#readyText = readyText;
    this.#signal = signal;
  }

  pids(): number[] {
    return [...this.#live.keys()];
  }

  /** Resolves when it serves. @throws Error with the last words of its log. */
  async start(start: Start): Promise<number> {
    const logFile = join(this.#folder, `process-${++this.#started}.log`);
    const process = await start(logFile);
    const { pid } = process;
    this.#live.set(pid, process);
    let ended = false;
    void process.exited.then(() => {
      ended = true;
      this.#live.delete(pid);
    });
    const deadline = performance.now() + READY_MS;
    while (!(await readFile(logFile, 'utf8')).includes(this.#readyText)) {
      this.#signal.throwIfAborted();
      if (ended || performance.now() > deadline)
        throw new Error(`${ended ? 'it ended' : 'it does not serve'}: ${await lastWords(logFile)}`);
      await sleep(POLL_MS);
    }
    return pid;
  }

  strike(pid: number, signal: 'SIGKILL' | 'SIGTERM'): { readonly ended: Promise<unknown> } {
    const victim = this.#live.get(pid);
    if (victim === undefined)
      throw new Error(`process ${pid} is not one of this peer, or has ended by itself`);
    process.kill(pid, signal);
    return { ended: victim.exited };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#live.values()].map(process => process.stop(STOP_MS)));
  }
}
