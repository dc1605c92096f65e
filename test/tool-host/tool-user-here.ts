/** Whether this machine can run tools as another user; where it cannot, tests assert why, and say so aloud. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IsolatedTools, isolateTools } from '../../src/tool-isolation.ts';
import { FIXTURE_TOOLS, toolEnv } from './hosts.ts';

/** A user that every Linux has, and that owns nothing. */
export const TOOL_USER = { text: 'nobody', user: 'nobody', group: undefined };

/** @param stateDir made open for passing through, as a real one would stand. */
export function isolatedIn(
  stateDir: string,
  change: Partial<Parameters<typeof isolateTools>[0]> = {},
): Promise<IsolatedTools> {
  return isolateTools({
    stateDir,
    toolUser: TOOL_USER,
    toolCommand: undefined,
    toolsModule: FIXTURE_TOOLS,
    toolEnv: toolEnv(),
    ...change,
  });
}

/** @returns undefined where it works, else what the worker would say. */
export async function problemHere(
  change: Partial<Parameters<typeof isolateTools>[0]> = {},
): Promise<string | undefined> {
  const stateDir = mkdtempSync(join(tmpdir(), 'hf-'));
  chmodSync(stateDir, 0o711);
  try {
    const isolated = await isolatedIn(stateDir, change);
    return isolated.kind === 'usable' ? undefined : isolated.problem;
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** So that nobody takes a run on such a machine for one that has tried it. */
export function aloud(problem: string | undefined): string | undefined {
  if (problem !== undefined) process.stderr.write(`\nNOT TRIED HERE, only its refusal: ${problem}\n`);
  return problem;
}
