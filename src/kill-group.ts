import type { ChildProcess } from 'node:child_process';

/** Kills a child that was started `detached`, with its process group; harmless where it has ended or never started. */
export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
