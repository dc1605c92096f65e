/**
 * What became of a tool call on its host, as data (I2: plain JSON; I5: this is what is made durable before
 * any post). Produced by the tool host, carried in `runTool`'s completion, folded by `evolve`.
 */
import type { ContentBlock } from './answers.ts';

/** What is known of a call that did not end by itself. All times are Unix milliseconds of the host. */
export interface Evidence {
  /** The tool's input as one line, at most 200 characters. */
  readonly input: string;
  readonly startedAt: number;
  /** When the call was last known to run, or when it was stopped. */
  readonly endedAt: number;
  /** The last output lines, at most 20 of at most 400 characters each. */
  readonly lastLines: readonly string[];
  readonly exitStatus?: number;
  /** The records of the call are gone with its host: neither its output nor when it ended is known. */
  readonly recordsLost?: true;
  /** Processes that could not be killed, as `pid command`. */
  readonly survivors: readonly string[];
}

interface Ended {
  readonly startedAt: number;
  readonly finishedAt: number;
  /** How often the tool was started: 1, or more for a tool that is declared idempotent. */
  readonly starts: number;
}

export type ToolOutcome =
  /** The tool ran to its end (or was refused its input); `content` is ready to be posted. */
  | ({
      readonly kind: 'answered';
      readonly isError: boolean;
      readonly content: readonly ContentBlock[];
    } & Ended)
  /** The same, but too large for the history: it stays in the journal and is posted from that host. */
  | ({
      readonly kind: 'stored';
      readonly isError: boolean;
      readonly bytes: number;
      readonly sha256: string;
    } & Ended)
  /** `stopCalls` ended it. */
  | ({ readonly kind: 'stopped'; readonly evidence: Evidence } & Ended)
  /** It was started and neither its end nor its result is known (I4: it is not started again). */
  | ({ readonly kind: 'unknown'; readonly reason: string; readonly evidence: Evidence } & Ended);
