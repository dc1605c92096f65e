/** What worker, tool host and mounts thread say of a session's skills and memory stores (api.md §1.8). */
import type { MountRecord } from './mount-record.ts';

export interface MountRequest {
  readonly sessionId: string;
  /** The work item's sessions token. It stays in the memory of the mounts thread (I9). */
  readonly token: string;
  readonly baseURL: string;
  /** The user's own, for a proxy; they stay in memory, as the token does. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds between two syncs of the memory stores, at least 5,000; null: they are not mounted. */
  readonly memorySyncMs: number | null;
  /** Whether files that the agent deletes are deleted in the store too. */
  readonly memoryDeletions: 'enabled' | 'log_only' | 'disabled';
  /** Mounts nothing: only what is mounted takes the token. */
  readonly renewOnly?: true;
}

export type MountAnswer =
  /** `notes`: what is worth the session's record, such as a skill that could not be downloaded. */
  | { readonly kind: 'mounted'; readonly notes: readonly string[] }
  /** The API could not be reached; the same request may be repeated. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  /** A store cannot be mounted: the work item fails, as the agent was told of a folder that is not there. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Folders outside the workspace that the file tools may reach, and those they must not write to. */
export interface MountRoots {
  readonly allowed: readonly string[];
  readonly readOnly: readonly string[];
}

export const NO_ROOTS: MountRoots = { allowed: [], readOnly: [] };

/** What the mounts thread is started with. */
export interface MountThreadData {
  readonly workspace: string;
}

export type ToMountThread =
  | { readonly kind: 'mount'; readonly request: MountRequest }
  /** The last sync, then everything that was mounted is removed. */
  | { readonly kind: 'unmount' }
  /** The answer to `record`: what stands there now, or why it cannot be kept. */
  | { readonly kind: 'recorded'; readonly record?: MountRecord; readonly problem?: string };

export type FromMountThread =
  | { readonly kind: 'mount-answer'; readonly answer: MountAnswer; readonly roots: MountRoots }
  | { readonly kind: 'unmounted'; readonly notes: readonly string[] }
  /** Asks for the session's `MountRecord`, or with one (null: none) replaces it first. */
  | { readonly kind: 'record'; readonly replaceBy?: MountRecord | null }
  /** A warning of a sync in the background, for the host's log. */
  | { readonly kind: 'warning'; readonly line: string };
