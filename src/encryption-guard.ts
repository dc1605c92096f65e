/**
 * Keeps a process with another key than the workers' from sending anything to a session: a signal that no worker can
 * decrypt would hold the session up until one has its key.
 */
import { hostname } from 'node:os';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { type KeySettings, loadKeyRing } from './key-ring.ts';
import { type AnyConnection, keysOfWorkers } from './keys-in-use.ts';
import { PayloadKeyError } from './payload-codec.ts';

/** How long an answer holds. */
const LOOK_AGAIN_MS = 60_000;

export function onlyWhatWorkersRead(
  settings: KeySettings & { readonly temporal: { readonly namespace: string } },
  connection: AnyConnection,
): WorkflowClientInterceptor {
  let lookedAt = Number.NEGATIVE_INFINITY;
  const guard = async (): Promise<void> => {
    if (performance.now() - lookedAt < LOOK_AGAIN_MS) return;
    const { current } = await loadKeyRing(settings);
    // Said where it encrypts.
    if (current === undefined) return;
    const known = await keysOfWorkers(connection, settings.temporal.namespace).catch(() => []);
    // A worker's own client must not take its own word for it.
    const others = known.filter(({ name }) => name !== `${process.pid}@${hostname()}`);
    if (others.length > 0 && !others.some(({ reads }) => reads.includes(current.id)))
      throw new PayloadKeyError(
        `no worker that is up reads key ${current.id}, which is the one here: set HOLDFAST_KEY as the workers have it`,
      );
    lookedAt = performance.now();
  };
  const guarded = async <I, O>(input: I, next: (input: I) => Promise<O>): Promise<O> => {
    await guard();
    return next(input);
  };
  return { signal: guarded, signalWithStart: guarded, startUpdate: guarded };
}
