/** What bounds a tool host (I11, I12). Every duration in milliseconds, every size in bytes unless it says MB. */
export interface HostLimits {
  /** A larger result is cut, head and tail kept, with a notice. */
  readonly maxResultBytes: number;
  /** A result whose content is larger as JSON is answered as `stored`. */
  readonly storedAboveBytes: number;
  /** What a call's `output.log` may hold. */
  readonly outputLogBytes: number;
  /** JavaScript heap of one tools thread. */
  readonly threadMemoryMb: number;
  /** Tools threads that may run at once; further calls wait for one. */
  readonly maxThreads: number;
  /** Idle threads that are kept; those above end after `idleThreadMs`. */
  readonly idleThreads: number;
  readonly idleThreadMs: number;
  /** How long a thread may ignore its abort signal before it is terminated. */
  readonly abortGraceMs: number;
  /** How long all close hooks together may take. */
  readonly closeHookMs: number;
  /** How long killing is tried before what is left is reported as survivors. */
  readonly killMs: number;
  /** A host without a running call that nobody spoke to for this long ends itself. */
  readonly unspokenMs: number;
  /** How often a host looks whether its journal still stands. */
  readonly journalCheckMs: number;
  /** bash's own limit for a command without `timeout_ms`; the SDK's is the same. */
  readonly bashTimeoutMs: number;
}

export const DEFAULT_LIMITS: HostLimits = {
  maxResultBytes: 8 * 1024 * 1024,
  storedAboveBytes: 256 * 1024,
  outputLogBytes: 10 * 1024 * 1024,
  threadMemoryMb: 512,
  maxThreads: 16,
  idleThreads: 2,
  idleThreadMs: 60_000,
  abortGraceMs: 1_000,
  closeHookMs: 5_000,
  killMs: 2_000,
  unspokenMs: 3_600_000,
  journalCheckMs: 2_000,
  bashTimeoutMs: 120_000,
};
