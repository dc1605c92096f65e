/** What one repetition of a workload measured of one peer. */
export interface Sample {
  /** Milliseconds of each thing that was timed: a call, an interrupt, a recovery. */
  readonly times: readonly number[];
  /** From the beginning of the first to the end of the last, ms. */
  readonly wallMs: number;
  /** Calls that were answered meanwhile. */
  readonly calls: number;
  readonly cpu: Cpu;
  /** Of the sessions' workflows, meanwhile; null for a runner without. */
  readonly history: HistorySize | null;
  /** Temporal Actions, meanwhile; null where they were not counted. */
  readonly actions: number | null;
  /** Requests to the API, meanwhile. */
  readonly requests: number;
  /** At the end. */
  readonly memory: Memory;
  /** What only this workload measures, by name with unit. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Milliseconds of processor time; null where the process is not ours to look at. */
export interface Cpu {
  readonly worker: number;
  readonly toolHosts: number;
  readonly server: number | null;
  /** The emulated API and the harness: the same work for every peer. */
  readonly api: number;
}

export interface HistorySize {
  readonly events: number;
  readonly bytes: number;
}

/** Of all processes of a kind together. */
export interface Memory {
  readonly worker: MemoryUse;
  readonly toolHosts: MemoryUse;
  readonly server: MemoryUse | null;
}

/** Bytes. PSS counts a page that several processes share by the part of each. */
export interface MemoryUse {
  readonly processes: number;
  readonly rss: number;
  readonly pss: number;
}
