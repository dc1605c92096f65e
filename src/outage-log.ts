/**
 * Says once that Temporal is gone and once that it is back: the SDK's core says it of every poll and of every
 * heartbeat, which in an outage drowns all else (I11).
 */
import { DefaultLogger, type LogEntry, type Logger } from '@temporalio/worker';

export interface OutageLogOptions {
  /** Names the server, e.g. `127.0.0.1:7233`. */
  readonly address: string;
  /** Asks the server; rejects while it is gone, or waits until it is back. */
  readonly probe: () => Promise<unknown>;
  /** Between two probes of an outage, ms (1,000). */
  readonly everyMs?: number;
  /** A server that has not answered the first probe by then is gone, ms (2,000). */
  readonly answerMs?: number;
  /** After an outage, how long what was under way may still complain without being heard, ms (10,000). */
  readonly quietMs?: number;
}

/** How the core begins what it says of a call that failed, in its retry, its pollers and its completions. */
const SIGN =
  /^(gRPC call \w+ retried|Network error while|Error while polling|Error when recording heartbeat)\b/;

/** @returns a logger that hands on to `logger` all but the signs of an outage. */
export function sayOutagesOnce(logger: Logger, options: OutageLogOptions): Logger {
  const { address, probe, everyMs = 1_000, answerMs = 2_000, quietMs = 10_000 } = options;
  let state: 'up' | 'asking' | 'gone' = 'up';
  let quietUntil = 0;

  async function ask(sign: LogEntry): Promise<void> {
    const since = performance.now();
    state = 'asking';
    const gone = (): void => {
      if (state === 'asking')
        logger.warn(`Temporal at ${address} cannot be reached; running tools go on: ${reasonIn(sign)}`);
      state = 'gone';
    };
    const late = setTimeout(gone, answerMs).unref();
    while (!(await answers(probe))) {
      gone();
      await new Promise(resolve => setTimeout(resolve, everyMs).unref());
    }
    clearTimeout(late);
    // One call that failed while the server answers others is worth its own line.
    if (state === 'asking') logger.log(sign.level, sign.message, sign.meta);
    else logger.info(`Temporal at ${address} is back after ${seconds(performance.now() - since)} s`);
    state = 'up';
    quietUntil = performance.now() + quietMs;
  }

  return new DefaultLogger('TRACE', entry => {
    if (entry.meta?.sdkComponent !== 'core' || !SIGN.test(entry.message))
      logger.log(entry.level, entry.message, entry.meta);
    else if (state === 'up' && performance.now() >= quietUntil) void ask(entry);
  });
}

function seconds(ms: number): number {
  return Math.max(1, Math.round(ms / 1_000));
}

function answers(probe: () => Promise<unknown>): Promise<boolean> {
  return probe().then(
    () => true,
    () => false,
  );
}

/** What the core says of a failed call holds the status of gRPC as Rust prints it. */
function reasonIn({ meta }: LogEntry): string {
  const text = String(meta?.error ?? '').replaceAll('\\"', '"');
  return /message: "([^"]+)"/.exec(text)?.[1] ?? 'its calls fail';
}
