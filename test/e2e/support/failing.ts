/** Commands that are to fail. */
import { createServer } from 'node:net';
import { expect } from 'vitest';
import type { Exit } from './holdfast-process.ts';
import type { World } from './world.ts';

/** A command that is to fail: its exit code, and its one line on standard error. */
export async function failure(
  w: World,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly line: string }> {
  const exit = await w.run(args, env).exit;
  expect(exit.stdout).toBe('');
  return { code: exit.code, line: onlyLine(exit) };
}

export function onlyLine({ stderr }: Pick<Exit, 'stderr'>): string {
  const lines = stderr.split('\n').filter(line => line !== '');
  expect(lines, stderr).toHaveLength(1);
  return lines[0] ?? '';
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const { port, close } = await takenPort();
  await close();
  return port;
}

export async function takenPort(): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, close: () => new Promise(resolve => server.close(() => resolve())) };
}
