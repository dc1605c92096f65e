/**
 * The effects ledger: a file that tools alone append to, one line for each start (`label`, then a tab and Unix ms
 * where the tool can tell). Opened with O_APPEND, so that lines of several processes do not mix. Doubles are counted
 * here, and not in our own records: a result that is posted once may hide two runs.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

export function effectsFile(folder: string): string {
  return join(folder, 'effects');
}

export interface EffectsReader {
  /** How often each label stands in the file by now. */
  counts(): ReadonlyMap<string, number>;
  /** Unix ms at which calls started, as far as their tools noted it, by label. */
  times(): ReadonlyMap<string, readonly number[]>;
}

const CHUNK_BYTES = 256 * 1024;

/** Reads only what is new; a line that is not whole yet is left for the next time. */
export function createEffectsReader(file: string): EffectsReader {
  const counts = new Map<string, number>();
  const times = new Map<string, number[]>();
  let offset = 0;
  const note = (line: string) => {
    const [label = '', at] = line.split('\t');
    counts.set(label, (counts.get(label) ?? 0) + 1);
    if (at !== undefined) times.set(label, [...(times.get(label) ?? []), Number(at)]);
  };
  const readOn = () => {
    for (;;) {
      const text = readFrom(file, offset);
      const end = text.lastIndexOf('\n') + 1;
      if (end === 0) return;
      for (const line of text.slice(0, end).split('\n')) if (line !== '') note(line);
      offset += Buffer.byteLength(text.slice(0, end));
    }
  };
  return {
    counts: () => {
      readOn();
      return counts;
    },
    times: () => {
      readOn();
      return times;
    },
  };
}

function readFrom(file: string, offset: number): string {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, CHUNK_BYTES, offset));
  } finally {
    closeSync(fd);
  }
}
