/**
 * Keeps a machine that is cut off from Temporal from running tools which another one may have taken over (§4, A
 * lost host). What counts is the newest heartbeat that Temporal is known to have accepted: a host is not taken
 * for lost until `hostLostMs` after it.
 */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** The part of `hostLostMs` after which a host holds itself for lost; the rest is for ending its tools. */
const SHARE = 4 / 5;

/**
 * Milliseconds since the machine's boot, its sleep included: the clock that worker and tool host share. The wall
 * clock may jump, and a process's own clock stands still while the machine sleeps.
 */
export function bootTime(): number {
  if (process.platform !== 'linux') return uptime() * 1_000;
  return Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1_000;
}

export class Fence {
  readonly #limitMs: number;
  readonly #now: () => number;
  #newest: number;

  /** @param hostLostMs after which the session may be taken over, in milliseconds; 0: never, so nothing is refused. */
  constructor(hostLostMs: number, now: () => number = bootTime) {
    this.#limitMs = hostLostMs > 0 ? hostLostMs * SHARE : Number.POSITIVE_INFINITY;
    this.#now = now;
    this.#newest = now();
  }

  /** Milliseconds for which a host may go without word from Temporal. */
  get limitMs(): number {
    return this.#limitMs;
  }

  /** Whether a request may be served whose sender had its last heartbeat accepted then (`bootTime`). */
  admits(acceptedAt: number | undefined): boolean {
    if (this.#limitMs === Number.POSITIVE_INFINITY) return true;
    if (acceptedAt === undefined) return false;
    this.#newest = Math.max(this.#newest, acceptedAt);
    return this.#now() - acceptedAt <= this.#limitMs;
  }

  /** Whether nothing newer has been heard for so long that the session may be taken over soon. */
  get isOver(): boolean {
    return this.#now() - this.#newest > this.#limitMs;
  }
}
