/** One time limit over a whole request, its body too: the SDK's own ends with the head of the answer. */

export class RequestTimeout extends Error {
  override readonly name = 'RequestTimeout';
}

/**
 * Runs `work` with a signal that aborts after `ms` milliseconds or with `outer`.
 *
 * @throws RequestTimeout after `ms`; `outer.reason` when `outer` aborted; else what `work` threw.
 */
export async function withDeadline<T>(
  ms: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted();
  // Not AbortSignal.any: on an activity's long-lived signal its dependants would pile up until collected.
  const controller = new AbortController();
  const abort = () => controller.abort(outer?.reason);
  outer?.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => controller.abort(new RequestTimeout(`no answer within ${ms} ms`)), ms);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', abort);
  }
}
