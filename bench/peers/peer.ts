/** What the harness knows of those that serve sessions. */
import type { Client } from '@temporalio/client';
import type { Env } from '../../src/dev/child-env.ts';

export const PEERS = ['holdfast', 'straightforward', 'sdk', 'python'] as const;
export type PeerName = (typeof PEERS)[number];

/** The one that the others are measured against. */
export const YARDSTICK: PeerName = 'straightforward';

export interface PeerPlace {
  /** Its own: state, workspaces, logs. Removed afterwards. */
  readonly folder: string;
  readonly apiUrl: string;
  /** A namespace of its own; runners that do without ignore it. */
  readonly temporal: { readonly address: string; readonly namespace: string; readonly client: Client };
  /** Most sessions that it will have at a time. */
  readonly sessions: number;
  /** The caller's environment. */
  readonly env: Env;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
}

/** A peer with its first process up. */
export interface OpenPeer {
  readonly name: PeerName;
  /** Begins to serve sessions; that it listens shows in their streams. */
  serve(sessionIds: readonly string[]): Promise<void>;
  /** Ends what is kept of these sessions outside of its processes, so that it costs the next workload nothing. */
  forget(sessionIds: readonly string[]): Promise<void>;
  /** Undefined for a runner without workflows. */
  readonly client: Client | undefined;
  /** Processes that run now. */
  workers(): readonly number[];
  toolHosts(): Promise<readonly number[]>;
  /** Starts one process more; resolves when it serves. @returns its pid */
  add(): Promise<number>;
  /** Sends a signal to that process. Resolves when it was sent; `ended` when the process is gone. */
  strike(pid: number, signal: 'SIGKILL' | 'SIGTERM'): { readonly ended: Promise<unknown> };
  close(): Promise<void>;
}

export interface Peer {
  readonly name: PeerName;
  readonly title: string;
  /** Makes what it needs once, such as an installation. @returns why it cannot be measured here, if so. */
  prepare(place: Pick<PeerPlace, 'env' | 'cacheDir' | 'signal'>): Promise<string | undefined>;
  /** @throws Error with the last words of its log where it does not serve. */
  open(place: PeerPlace): Promise<OpenPeer>;
}
