/** What a waiting command shows on a terminal; in a pipe it stays quiet. */
import type { WorkflowHandle } from '@temporalio/client';
import { statusQuery } from '../workflows/messages.ts';

const EVERY_MS = 500;

/** One line on standard error that follows a run's status until `end`. */
export function followStatus(handle: WorkflowHandle): { end(): void } {
  if (!process.stderr.isTTY) return { end() {} };
  let busy = false;
  let ended = false;
  const started = Date.now();
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    const text = await handle.query(statusQuery).then(
      status => `${status.settledCalls} calls settled, waits for ${status.waitingFor}`,
      () => 'waits for a worker',
    );
    busy = false;
    if (!ended) line(`${Math.round((Date.now() - started) / 1000)} s  ${text}`);
  }, EVERY_MS);
  return {
    end() {
      ended = true;
      clearInterval(timer);
      line('');
    },
  };
}

export interface StatusLine {
  /** Before something else is written. */
  clear(): void;
  end(): void;
}

/** One line on standard error that is written anew twice a second. */
export function statusLine(text: () => string): StatusLine {
  if (!process.stderr.isTTY) return { clear() {}, end() {} };
  const timer = setInterval(() => line(text()), EVERY_MS);
  const clear = () => line('');
  return {
    clear,
    end() {
      clearInterval(timer);
      clear();
    },
  };
}

function line(text: string): void {
  const width = process.stderr.columns ?? 80;
  process.stderr.write(`\r\u001b[2K${text.slice(0, width - 1)}`);
}
