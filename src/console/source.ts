/** What the console shows, as data: where it comes from is temporal-source.ts. */
import type { HeldCalls } from '../client/held-calls.ts';
import type { PendingWork } from '../client/pending-work.ts';
import type { SessionRow as ListedSession } from '../client/session-rows.ts';
import type { ApprovalTaken } from '../client.ts';
import type { CallOutput, OutputRequest } from '../tool-host/call-output.ts';
import type { ApprovalAnswer, CallDetail, HeldCall, SessionStatus } from '../workflows/messages.ts';

export const VIEWS = ['open', 'held', 'stuck', 'failed', 'ended'] as const;
export type View = (typeof VIEWS)[number];

export interface SessionFilter {
  readonly view: View;
  /** What the session's id begins with. */
  readonly id: string;
  readonly host: string;
  /** From 1 on. */
  readonly page: number;
}

export interface SessionRow extends ListedSession {
  readonly runId: string;
  readonly endedAt: string | null;
}

export interface SessionsPage {
  readonly rows: readonly SessionRow[];
  readonly more: boolean;
  /** How many sessions each view has; absent: not known. */
  readonly counts: Partial<Readonly<Record<View, number>>>;
  /** Why a filter could not be used, with what to do. */
  readonly problem?: string;
}

export interface SessionReading {
  readonly session: string;
  readonly runId: string;
  /** The newest one, not an earlier run that was asked for. */
  readonly newest: boolean;
  readonly title: string | null;
  readonly host: string | null;
  /** Temporal's word: RUNNING, COMPLETED, FAILED, … */
  readonly execution: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Absent where no worker answers and the run has no result. */
  readonly status?: Pick<SessionStatus, 'state' | 'waitingFor' | 'record'> & Partial<SessionStatus>;
  readonly calls?: readonly CallDetail[];
  /** So many older calls are told by earlier runs only (I11). */
  readonly missing?: number;
  /** How the run ended, in its own words. */
  readonly outcome?: { readonly state: string; readonly reason: string };
  /** Why the workers could not be asked, in one line. */
  readonly unanswered?: string;
  /** What Temporal has under way for it. */
  readonly pending: readonly PendingWork[];
  /** Other runs of the session, newest first. */
  readonly runs: readonly {
    readonly runId: string;
    readonly execution: string;
    readonly startedAt: string;
  }[];
}

export type OutputAsked = Pick<OutputRequest, 'sessionId' | 'callId' | 'host' | 'from'>;

/** Any of these rejects when Temporal does not answer. */
export interface ConsoleSource {
  sessions(filter: SessionFilter): Promise<SessionsPage>;
  /** @returns undefined where Temporal knows no run of it. */
  session(id: string, runId?: string): Promise<SessionReading | undefined>;
  held(): Promise<HeldCalls>;
  heldOf(session: string): Promise<readonly HeldCall[]>;
  /** How many sessions wait for a person; undefined: not known. */
  waiting(): Promise<number | undefined>;
  answer(session: string, answer: ApprovalAnswer): Promise<ApprovalTaken>;
  /** What a call has written, from byte `from` on; negative: so many bytes before its end. Never rejects. */
  output(asked: OutputAsked): Promise<CallOutput>;
  /** This machine's id as a host; undefined: it has none. */
  thisHost(): Promise<string | undefined>;
}
