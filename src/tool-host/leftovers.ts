/** What a dead or robbed host may have left running, and how it is cleared away. */
import { readJson } from './durable-file.ts';
import type { HostRecord } from './host-config.ts';
import { type KillReport, killAll } from './kill.ts';
import type { SessionPaths } from './paths.ts';
import { isAlive, type ProcessIdentity } from './processes.ts';

/**
 * Kills every process of the incarnation, its host included. Where environments cannot be read, the recorded host
 * and its recorded process groups stand in for the marks.
 *
 * @param gid the session's own group: to be given only where nobody else can have started a host of the session.
 */
export async function killIncarnation(
  paths: SessionPaths,
  incarnation: string,
  timeoutMs: number,
  gid?: number,
): Promise<KillReport> {
  const record = await readJson<HostRecord>(paths.hostRecord);
  const recorded = (await readJson<ProcessIdentity[]>(paths.groups)) ?? [];
  const marksReadable = process.platform === 'linux';
  const groups = [
    ...(record !== undefined && record.incarnation === incarnation && isAlive(record) ? [record] : []),
    // A group that has lost its leader may by now be somebody else's.
    ...recorded.filter(leader => !marksReadable || isAlive(leader)),
  ];
  return killAll({ marks: [`HOLDFAST_HOST=${incarnation}`], groups, gid }, timeoutMs);
}
