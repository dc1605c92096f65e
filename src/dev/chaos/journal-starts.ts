/** How often a tool host has started a call, from its journal: for tools that leave no ledger of ours. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderName, sessionPaths } from '../../tool-host/paths.ts';

/** 0 where there is no start marker, or none that can be read. */
export function journalStarts(stateDir: string, sessionId: string, callId: string): number {
  const file = join(sessionPaths(stateDir, sessionId).journal, 'calls', folderName(callId), 'started.json');
  try {
    const { starts } = JSON.parse(readFileSync(file, 'utf8')) as { starts?: number };
    return starts ?? 0;
  } catch {
    return 0;
  }
}
