import { identify } from '../tool-host/processes.ts';

/**
 * What tells this process from a later one that got the same pid: its start time, and the boot it belongs to.
 * undefined when no such process runs (a zombie counts as ended).
 */
export function processIdentity(pid: number): string | undefined {
  const found = identify(pid);
  return found && `${found.bootId}:${found.startTime}`;
}
