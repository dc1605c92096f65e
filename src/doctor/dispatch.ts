/** What the measured rate of a server means, and which keys of its dynamic configuration mend it. */
import type { Connection } from '@temporalio/client';
import { detailsOf } from '../grpc-error.ts';
import { type DispatchRate, measureDispatch } from './dispatch-rate.ts';
import { type Finding, ok, oneLine, warning } from './finding.ts';

const CHECK = 'dispatch';
/** Stock: 45 ms. Tuned: 8 to 15 ms; on a machine with ten programs per core up to 45. */
const SLOW_MS = 30;
/** How many times as long as a task that is handed over past the queue. Tuned: 2; stock, on a machine that is not busy: 4. */
const SLOWER = 4;
/** Stock: up to a second. */
const LATE_MS = 300;

export async function lookAtDispatch(
  connection: Connection,
  namespace: string,
  address: string,
): Promise<Finding> {
  try {
    return judgeDispatch(await measureDispatch(connection, namespace), address);
  } catch (error) {
    return warning(
      CHECK,
      `could not be measured: ${oneLine(detailsOf(error))}`,
      'may this key start workflows?',
    );
  }
}

export function judgeDispatch(rate: DispatchRate, address: string): Finding {
  const { dispatchMs, inlineMs, timerLateMs, eager } = rate;
  const found = `a task is handed out after ${Math.round(dispatchMs)} ms`;
  // Its dynamic configuration is not its user's.
  if (/\.(tmprl\.cloud|api\.temporal\.io):\d+$/.test(address)) return ok(CHECK, found);
  const isLate = timerLateMs > LATE_MS;
  // A busy machine is slow all over, and gives a stock server the time to save up polls: its late timer betrays it.
  const isSlow = isLate || (dispatchMs > SLOW_MS && dispatchMs > SLOWER * inlineMs);
  if (!isSlow && !isLate && eager)
    return dispatchMs > SLOW_MS
      ? ok(CHECK, `${found}, as everything is slow here now (${Math.round(inlineMs)} ms past the queue)`)
      : ok(CHECK, found);
  const parts = [
    found,
    ...(isLate ? [`a short timer fires ${Math.round(timerLateMs)} ms late`] : []),
    ...(eager ? [] : ['activities are not started eagerly']),
  ];
  const keys = [
    ...(isSlow
      ? ['history.transferProcessorMaxPollRPS: 2000', 'history.timerProcessorMaxPollRPS: 2000']
      : []),
    ...(isLate ? ['history.timerProcessorMaxTimeShift: 10ms'] : []),
    ...(eager ? [] : ['system.enableActivityEagerExecution: true']),
  ];
  // Only slow, not wrong.
  return warning(
    CHECK,
    `slower than need be: ${parts.join(', ')}`,
    `set in the server’s dynamic configuration ${keys.join(', ')}`,
  );
}
