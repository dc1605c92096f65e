/** What is measured: a file for each. */

import type { Mode, Sizes } from '../mode.ts';
import type { PeerName } from '../peers/peer.ts';
import type { Sample } from '../sample.ts';
import type { Stage } from '../stage.ts';
import type { Direction } from '../statistics/comparison.ts';

/** The one value of a repetition by which peers are compared. */
export interface Key {
  readonly label: string;
  readonly unit: string;
  readonly better: Direction;
  readonly of: (sample: Sample) => number | undefined;
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** Those that can do it at all. */
  readonly peers: readonly PeerName[];
  readonly key: Key;
  /** At a time, for peers that must know. */
  readonly sessions: Sizes;
  /** At most so many repetitions: it takes long, or a second one tells nothing new. Absent: as many as asked for. */
  readonly most?: number;
  /** Dropped ones before; 1 unless it says otherwise. */
  readonly warmUps?: number;
  /** Run in these modes unless it is named with --only. */
  readonly modes: readonly Mode[];
  /** What one repetition may take, ms; a peer that takes longer has failed. */
  readonly limitMs: number;
  /** Sets a peer up, once; the returned function is one repetition. */
  prepare(stage: Stage): Promise<() => Promise<Sample>>;
}

export const ALL_MODES: readonly Mode[] = ['quick', 'normal', 'full'];
export const EVERYBODY: readonly PeerName[] = ['holdfast', 'straightforward', 'sdk', 'python'];
export const DURABLE: readonly PeerName[] = ['holdfast', 'straightforward'];
