/** What the SDK's runner notes of its tools, so that the timeline can show each run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Span } from './timeline.ts';

export interface ToolRunNote {
  readonly call: string;
  readonly what: 'started' | 'ended';
  /** Unix ms. */
  readonly at: number;
}

export function runsFile(folder: string): string {
  return join(folder, 'runs.jsonl');
}

/** @param killedAt when a run ended whose process could not note it. */
export async function readRuns(folder: string, killedAt: number | undefined): Promise<Map<string, Span[]>> {
  const text = await readFile(runsFile(folder), 'utf8').catch(() => '');
  const runs = new Map<string, { from: number; to: number | undefined }[]>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const { call, what, at } = JSON.parse(line) as ToolRunNote;
    const known = runs.get(call) ?? [];
    runs.set(call, known);
    const last = known.at(-1);
    if (what === 'started') {
      if (last !== undefined) last.to ??= killedAt;
      known.push({ from: at, to: undefined });
    } else if (last !== undefined) last.to = at;
  }
  return runs;
}
