/**
 * The user's tools module (§9): `export default { tools: [tool | { tool, … } | { exec, … }] }`. It runs user code, so
 * it is loaded only in tools threads and in the short-lived process of `describeTools`. What is wrong with it is
 * told with the file, the tool and the mend.
 */
import { pathToFileURL } from 'node:url';
import { errorText } from '../error-text.ts';
import type { Lock } from '../session/locks.ts';
import type { ServedTool } from '../session/served-tool.ts';
import { DEFAULT_TOOL_TIMEOUT_MS, isBuiltin } from './builtin-tools.ts';

/** What the SDK's `betaTool` and `betaZodTool` return, as far as it is used here. */
export interface RunnableTool {
  readonly name: string;
  readonly input_schema?: unknown;
  readonly parse?: (input: unknown) => unknown;
  readonly run: (input: unknown, context: unknown) => unknown;
  readonly close?: () => unknown;
}

/** A program that takes the input as JSON on its standard input and prints its result. */
export interface ProgramTool {
  readonly exec: string;
  readonly args: readonly string[];
  readonly inputSchema: unknown;
}

export interface ModuleTool {
  readonly served: ServedTool;
  readonly implementation:
    | { readonly kind: 'function'; readonly tool: RunnableTool }
    | { readonly kind: 'program'; readonly program: ProgramTool };
}

export type LoadedModule =
  | { readonly kind: 'loaded'; readonly tools: readonly ModuleTool[] }
  | { readonly kind: 'broken'; readonly message: string };

/** @param path absolute path of the module. */
export async function loadToolsModule(path: string): Promise<LoadedModule> {
  let exported: unknown;
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
    exported = module.default;
  } catch (error) {
    return broken(path, `failed to load: ${messageOf(error)}`);
  }
  const entries = isRecord(exported) ? exported.tools : undefined;
  if (!Array.isArray(entries)) {
    const what = exported === undefined ? 'has no default export' : 'has a default export without `tools`';
    return broken(path, `${what}; write \`export default { tools: [ … ] }\``);
  }
  if (entries.length === 0) return broken(path, 'exports no tools; add one, or leave the module out');
  const tools: ModuleTool[] = [];
  for (const [index, entry] of entries.entries()) {
    const tool = readEntry(entry);
    if (typeof tool === 'string') return broken(path, `tools[${index}]${labelOf(entry)} ${tool}`);
    const { name } = tool.served;
    if (isBuiltin(name)) {
      return broken(path, `tools[${index}] is named "${name}", which is a built-in tool; rename it`);
    }
    if (tools.some(other => other.served.name === name)) {
      return broken(path, `has two tools named "${name}"; rename one`);
    }
    tools.push(tool);
  }
  return { kind: 'loaded', tools };
}

export function messageOf(error: unknown): string {
  try {
    return errorText(error);
  } catch {
    return 'a value that cannot be shown';
  }
}

/** The tool, or what is wrong with the entry. */
function readEntry(entry: unknown): ModuleTool | string {
  if (!isRecord(entry)) return `is ${entry === null ? 'null' : typeof entry}, not a tool`;
  const policy = readPolicy(entry);
  if (typeof policy === 'string') return policy;
  if ('exec' in entry) return readProgram(entry, policy);
  // A bare tool may have fields of any name: only a wrapper's policies count.
  return 'tool' in entry ? readTool(entry.tool, policy) : readTool(entry, DEFAULT_POLICY);
}

function readTool(tool: unknown, policy: Policy): ModuleTool | string {
  if (!isRecord(tool) || typeof tool.run !== 'function') {
    return 'is not a tool: use what betaTool or betaZodTool returns, or { exec, name, description, inputSchema }';
  }
  if (!isName(tool.name)) return 'has no name: give the tool a `name`';
  for (const hook of ['parse', 'close'] as const) {
    if (tool[hook] !== undefined && typeof tool[hook] !== 'function')
      return `has a \`${hook}\` that is no function`;
  }
  const runnable = tool as unknown as RunnableTool;
  return {
    served: { name: tool.name, ...policy },
    implementation: { kind: 'function', tool: runnable },
  };
}

function readProgram(entry: Record<string, unknown>, policy: Policy): ModuleTool | string {
  const { exec, args = [], name, description, inputSchema } = entry;
  if (typeof exec !== 'string' || exec === '')
    return 'has an `exec` that is no program: give its path or name';
  if (!isName(name)) return 'has no name: give the program a `name`';
  if (typeof description !== 'string')
    return 'has no description: say in `description` what the program does';
  if (!isRecord(inputSchema)) return 'has no inputSchema: give a JSON schema of type "object"';
  if (!Array.isArray(args) || args.some(arg => typeof arg !== 'string'))
    return 'has `args` that are no strings';
  const program: ProgramTool = { exec, args: args as string[], inputSchema };
  return { served: { name, ...policy }, implementation: { kind: 'program', program } };
}

type Policy = Omit<ServedTool, 'name'>;

const DEFAULT_POLICY: Policy = { timeoutMs: DEFAULT_TOOL_TIMEOUT_MS, idempotent: false, locks: [] };

function readPolicy(entry: Record<string, unknown>): Policy | string {
  if (!('tool' in entry || 'exec' in entry)) return DEFAULT_POLICY;
  const { timeoutMs = DEFAULT_TOOL_TIMEOUT_MS, idempotent = false, locks = [] } = entry;
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0) || !Number.isFinite(timeoutMs)) {
    return 'has a `timeoutMs` that is not a positive number of milliseconds';
  }
  if (typeof idempotent !== 'boolean') return 'has an `idempotent` that is neither true nor false';
  if (!Array.isArray(locks) || !locks.every(isLock)) {
    return 'has bad `locks`: each is { resource | pathFrom: string, mode: "shared" | "exclusive" }';
  }
  return { timeoutMs, idempotent, locks };
}

function isLock(lock: unknown): lock is Lock {
  if (!isRecord(lock) || (lock.mode !== 'shared' && lock.mode !== 'exclusive')) return false;
  return typeof lock.resource === 'string' || typeof lock.pathFrom === 'string';
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name !== '';
}

function labelOf(entry: unknown): string {
  const tool = isRecord(entry) && isRecord(entry.tool) ? entry.tool : entry;
  return isRecord(tool) && isName(tool.name) ? ` ("${tool.name}")` : '';
}

function broken(path: string, what: string): LoadedModule {
  return { kind: 'broken', message: `the tools module ${path} ${what}` };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
