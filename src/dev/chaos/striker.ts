/** Carries out strikes: waits for their moment, takes the snapshot, strikes, and sees to it that the victim returns. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Emulator } from '../../emulator/server.ts';
import { clearFaults, setFaultsFor, takeDownFor } from './api-faults.ts';
import type { Strike, Victim } from './plan.ts';
import type { Random } from './random.ts';
import type { CaughtCall, Phase } from './snapshot.ts';
import type { ChaosTemporal } from './temporal.ts';
import { freezeHosts, hostsOf, killHosts, raisedAgain } from './tool-hosts.ts';
import { SLOTS, type Slot, type Workers } from './workers.ts';

/** A strike that was carried out. */
export interface Struck {
  readonly victim: Victim;
  readonly act: string;
  /** Unix ms. */
  readonly at: number;
  readonly caught: readonly CaughtCall[];
  /** Sessions whose tool hosts were killed. */
  readonly hosts: readonly string[];
}

export interface StrikerParts {
  readonly workers: Workers;
  readonly emulator: Emulator;
  readonly temporal: ChaosTemporal | undefined;
  readonly stateDir: string;
  readonly random: Random;
  readonly snapshot: () => CaughtCall[];
  /** A settled strike waits until so many calls are in flight, and as many were made since the one before. */
  readonly enough: number;
  /** Calls that the agents have made. */
  readonly made: () => number;
  readonly signal: AbortSignal;
}

/** For calls to be in flight again, and for a victim to be there: then it is struck as it is. */
const WAIT_MS = 20_000;
const POLL_MS = 20;
/** For calls in the phase that is aimed at: a tenth of what makes enough. */
const AIM_MS = 2_500;
const AIM_SHARE = 10;

export class Striker {
  readonly #parts: StrikerParts;
  /** What is on its way back. */
  readonly #returning = new Set<Promise<void>>();
  #lastReturn: Promise<void> = Promise.resolve();
  #lastHosts: ReadonlySet<string> = new Set();
  #madeBefore = 0;

  constructor(parts: StrikerParts) {
    this.#parts = parts;
  }

  /** @throws the signal's reason; Error where something does not come back. */
  async strike(strike: Strike): Promise<Struck> {
    const { signal } = this.#parts;
    if (strike.when === 'settled') {
      await this.settled();
      await this.#enoughInFlight();
    } else if (strike.when === 'return') await this.#lastReturn;
    await sleep(strike.afterMs, undefined, { signal });
    await this.#aimAt(strike.aim);
    const { victim, act } = strike;
    const { back, ...seen } = await this.#hit(strike);
    this.#lastReturn = back;
    this.#returning.add(back);
    back.then(
      () => this.#returning.delete(back),
      // Stays among those that return: who waits for them next is told.
      () => {},
    );
    return { victim, act, hosts: [], ...seen };
  }

  /** Everything is up again, and no fault is left. */
  async settled(): Promise<void> {
    const { workers, signal } = this.#parts;
    while (this.#returning.size > 0) await Promise.all(this.#returning);
    for (const slot of SLOTS) await workers.ready(slot, signal);
  }

  /** The last word: what was to end by a timer of its own has ended. */
  async calm(): Promise<void> {
    await this.settled();
    clearFaults(this.#parts.emulator);
    await this.#parts.emulator.comeUp();
  }

  async #hit(
    strike: Strike,
  ): Promise<Pick<Struck, 'at' | 'caught'> & Partial<Pick<Struck, 'hosts'>> & { back: Promise<void> }> {
    const { emulator, temporal, signal } = this.#parts;
    switch (strike.victim) {
      case 'worker': {
        const slots = await this.#slots(strike.which);
        const seen = this.#look();
        if (strike.act === 'freeze') {
          const wake = slots.map(slot => this.#parts.workers.freeze(slot));
          const back = sleep(strike.forMs, undefined, { signal }).then(() => {
            for (const each of wake) each();
          });
          return { ...seen, back };
        }
        await Promise.all(slots.map(slot => this.#parts.workers.kill(slot)));
        return { ...seen, back: this.#restart(slots, strike.downMs) };
      }
      case 'tool-host':
        return this.#killHosts(strike.share);
      case 'temporal': {
        const seen = this.#look();
        await temporal?.kill();
        const back = sleep(strike.downMs, undefined, { signal }).then(() => temporal?.restart());
        return { ...seen, back };
      }
      case 'api': {
        const seen = this.#look();
        if (strike.act === 'cut') {
          emulator.cutStreams();
          return { ...seen, back: Promise.resolve() };
        }
        if (strike.act === 'down') return { ...seen, back: takeDownFor(emulator, strike.forMs, signal) };
        return { ...seen, back: setFaultsFor(emulator, strike.faults, strike.forMs, signal) };
      }
    }
  }

  async #killHosts(share: number) {
    const { stateDir, signal, random, snapshot } = this.#parts;
    const busy = new Set(
      snapshot()
        .filter(({ phase }) => phase === 'marked' || phase === 'running')
        .map(({ sessionId }) => sessionId),
    );
    const live = await hostsOf(stateDir);
    const again = live.filter(({ sessionId }) => this.#lastHosts.has(sessionId));
    const wanted = live.filter(({ sessionId }) => busy.has(sessionId));
    const pool = again.length > 0 && random.chance(0.5) ? again : wanted.length > 0 ? wanted : live;
    const count = Math.max(1, Math.round(pool.length * share));
    const chosen = pool
      .map(host => ({ host, at: random.next() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, count)
      .map(({ host }) => host);
    const frozen = await freezeHosts(chosen);
    const seen = this.#look();
    killHosts(frozen);
    this.#lastHosts = new Set(frozen.map(({ sessionId }) => sessionId));
    return { ...seen, hosts: [...this.#lastHosts], back: raisedAgain(stateDir, frozen, signal) };
  }

  #look(): Pick<Struck, 'at' | 'caught'> {
    return { at: Date.now(), caught: this.#parts.snapshot() };
  }

  async #restart(slots: readonly Slot[], downMs: number): Promise<void> {
    const { workers, signal } = this.#parts;
    await sleep(downMs, undefined, { signal });
    for (const slot of slots) await workers.start(slot);
    for (const slot of slots) await workers.ready(slot, signal);
  }

  /** Processes that can be killed: of those asked for, else any; waits where none is up. */
  async #slots(which: Slot | 'both'): Promise<Slot[]> {
    const { workers, signal } = this.#parts;
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const up = SLOTS.filter(slot => workers.isUp(slot));
      const asked = up.filter(slot => which === 'both' || which === slot);
      if (asked.length > 0) return asked;
      if (up.length > 0) return up;
      if (performance.now() > deadline) throw new Error('no worker is up to be killed');
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  async #aimAt(aim: Phase): Promise<void> {
    const { snapshot, enough, signal } = this.#parts;
    const inSight = () => snapshot().filter(({ phase }) => phase === aim).length;
    const deadline = performance.now() + AIM_MS;
    while (inSight() < enough / AIM_SHARE && performance.now() < deadline)
      await sleep(POLL_MS, undefined, { signal });
  }

  async #enoughInFlight(): Promise<void> {
    const { snapshot, made, enough, signal } = this.#parts;
    const deadline = performance.now() + WAIT_MS;
    const isEnough = () => made() - this.#madeBefore >= enough && snapshot().length >= enough;
    while (!isEnough() && performance.now() < deadline) await sleep(100, undefined, { signal });
    this.#madeBefore = made();
  }
}
