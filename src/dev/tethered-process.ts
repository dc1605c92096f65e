/**
 * A child that ends with its parent, however the parent ends, and not by the parent's terminal.
 *
 * It runs in a process group of its own, so a Ctrl-C reaches only the parent, which can first finish what needs the
 * child. No handler runs when a parent is killed with SIGKILL; what remains is that its files close. So a shell in the
 * child's group reads from a pipe that only the parent holds open: end of file means that the parent is gone, and the
 * group is ended. The shell that is started becomes the child by exec, so the pid is the child's from the start and no
 * moment exists in which the child runs unwatched. As long as the watcher lives the kernel cannot give the group's
 * number to anybody else, so no signal can reach a stranger.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface TetheredProcess {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  /** SIGTERM, after `limitMs` SIGKILL to the whole group. Resolves when the process has ended; may be repeated. */
  stop(limitMs: number): Promise<ProcessExit>;
}

export interface TetherOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** File descriptor that receives both output streams. */
  readonly output: number;
  /** Seconds between SIGTERM and SIGKILL when the parent is gone. */
  readonly orphanGraceSeconds?: number;
}

const script = `(
  trap '' TERM INT HUP
  PATH=/usr/bin:/bin
  read -r line <&3
  kill -s TERM -- "-$$" 2>/dev/null
  left=$1
  while [ "$left" -gt 0 ] && kill -0 $$ 2>/dev/null; do sleep 1; left=$((left - 1)); done
  kill -s KILL -- "-$$"
) </dev/null >/dev/null 2>&1 &
exec 3<&-
shift
exec "$@"`;

/** @throws Error when no process could be made at all; a program that cannot be run exits with 126 or 127. */
export async function spawnTethered(
  command: string,
  args: readonly string[],
  options: TetherOptions,
): Promise<TetheredProcess> {
  const grace = String(options.orphanGraceSeconds ?? 10);
  const child = spawn('/bin/sh', ['-c', script, 'sh', grace, command, ...args], {
    detached: true,
    env: options.env as NodeJS.ProcessEnv,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['ignore', options.output, options.output, 'pipe'],
  });
  const tether = child.stdio[3];
  // A caller that forgets to stop the child still ends; the child then ends by its tether.
  child.unref();
  if (tether && 'unref' in tether && typeof tether.unref === 'function') tether.unref();
  tether?.on('error', () => {});

  const exited = new Promise<ProcessExit>(resolve => {
    child.once('exit', (code, signal) => {
      // The watcher, and whatever else the child left in its group.
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      tether?.destroy();
      resolve({ code, signal });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} has no process id`);

  return {
    pid,
    exited,
    stop: async limitMs => {
      child.ref();
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const limit = new AbortController();
      const late = sleep(limitMs, undefined, { signal: limit.signal }).then(
        () => signalGroup(pid, 'SIGKILL'),
        () => {},
      );
      const exit = await exited;
      limit.abort();
      await late;
      return exit;
    },
  };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // macOS answers EPERM for a group whose members are all zombies.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
