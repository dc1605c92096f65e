/** The inside of a cell: what the host handed over, and the way back to it, in a thread and in a process alike. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorText } from '../error-text.ts';
import type { CellFailure } from './cell.ts';
import { settleCompileCache } from './compile-cache.ts';

interface FirstMessage {
  readonly data: unknown;
  readonly env: Readonly<Record<string, string>>;
}

/** @returns the `data` of the cell's options. */
export async function enterCell<T>(): Promise<T> {
  if (parentPort !== null) {
    settleCompileCache();
    return workerData as T;
  }
  // Without its host it has nothing to do, and nobody would end it.
  process.on('disconnect', () => process.exit(0));
  process.on('uncaughtException', error => {
    const failure: CellFailure = { kind: 'cell-failed', message: errorText(error) };
    process.send?.(failure, undefined, undefined, () => process.exit(1));
  });
  const { data, env } = await new Promise<FirstMessage>(resolve => {
    process.once('message', message => resolve(message as FirstMessage));
  });
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  return data as T;
}

export function onMessage<T>(obey: (message: T) => void): void {
  if (parentPort !== null) parentPort.on('message', obey);
  else process.on('message', message => obey(message as T));
}

export function tell(message: object): void {
  if (parentPort !== null) parentPort.postMessage(message);
  else process.send?.(message, undefined, undefined, () => {});
}
