/** What a run of the bench leaves: everything that was measured, and what it was measured on. */
import type { Mode } from './mode.ts';
import type { PeerName } from './peers/peer.ts';
import type { Sample } from './sample.ts';
import type { Direction } from './statistics/comparison.ts';
import type { Interval } from './statistics/interval.ts';
import type { Summary } from './statistics/summary.ts';
import type { ServerKind } from './temporal.ts';

/** Raised when an older record could be misread. */
export const FORMAT = 1;

export interface BenchRecord {
  readonly format: typeof FORMAT;
  /** When it began, ISO. */
  readonly at: string;
  readonly seconds: number;
  readonly mode: Mode;
  readonly repetitions: number;
  readonly machine: Machine;
  readonly versions: Versions;
  readonly server: { readonly kind: ServerKind; readonly version: string };
  readonly skipped: readonly { readonly peer: PeerName; readonly reason: string }[];
  readonly workloads: readonly WorkloadRecord[];
}

export interface Machine {
  readonly cpus: number;
  readonly model: string;
  readonly memoryMb: number;
  readonly system: string;
  /** Processes that wanted to run in the minute before: above 0 something else took part. */
  readonly loadBefore: number;
}

export interface Versions {
  readonly holdfast: string;
  /** Of git; null outside of a checkout. */
  readonly commit: string | null;
  /** Whether files differed from the commit. */
  readonly changed: boolean | null;
  readonly node: string;
  readonly temporalSdk: string;
  readonly anthropicSdk: string;
  readonly pythonSdk: string;
}

export interface WorkloadRecord {
  readonly name: string;
  readonly title: string;
  readonly key: { readonly label: string; readonly unit: string; readonly better: Direction };
  readonly seconds: number;
  readonly peers: readonly PeerRecord[];
}

export interface PeerRecord {
  readonly peer: PeerName;
  readonly samples: readonly Sample[];
  readonly summary: Summary;
  /** Of its key value to that of the straightforward program, repetition by repetition. */
  readonly ratio: Interval | null;
  /** Why it has no more samples. */
  readonly failure: string | null;
}
