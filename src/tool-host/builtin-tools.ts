/** The tools that every workspace serves, and what they take of it (§2.3). bash is ours, the others the SDK's. */
import type { ServedTool } from '../session/served-tool.ts';

/** Above bash's own 120 s, so that its own timeout speaks first (row 62). */
export const DEFAULT_TOOL_TIMEOUT_MS = 150_000;

const WORKSPACE = { resource: 'workspace', mode: 'shared' } as const;

export const BUILTIN_TOOLS: readonly ServedTool[] = [
  builtin('bash', false, [{ resource: 'workspace', mode: 'exclusive' }]),
  builtin('read', true, [WORKSPACE, { pathFrom: 'file_path', mode: 'shared' }]),
  builtin('write', false, [WORKSPACE, { pathFrom: 'file_path', mode: 'exclusive' }]),
  builtin('edit', false, [WORKSPACE, { pathFrom: 'file_path', mode: 'exclusive' }]),
  builtin('glob', true, [WORKSPACE]),
  builtin('grep', true, [WORKSPACE]),
];

export function isBuiltin(name: string): boolean {
  return BUILTIN_TOOLS.some(tool => tool.name === name);
}

function builtin(name: string, idempotent: boolean, locks: ServedTool['locks']): ServedTool {
  return { name, timeoutMs: DEFAULT_TOOL_TIMEOUT_MS, idempotent, locks };
}
