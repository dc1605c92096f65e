/** One entry of a tools module (§9), read: what it serves and on which terms, or what is wrong with it. */
import { isAbsolute, resolve } from 'node:path';
import type { Lock } from '../session/locks.ts';
import type { ServedTool } from '../session/served-tool.ts';
import { DEFAULT_TOOL_TIMEOUT_MS } from './builtin-tools.ts';
import { isBarred } from './host-config.ts';

/** What the SDK's `betaTool` and `betaZodTool` return, as far as it is used here. */
export interface RunnableTool {
  readonly name: string;
  readonly description?: unknown;
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
  readonly description: string;
  readonly implementation:
    | { readonly kind: 'function'; readonly tool: RunnableTool }
    | { readonly kind: 'program'; readonly program: ProgramTool };
}

/** How a local MCP server is started; it speaks on its standard input and output. */
export interface McpCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Over the environment that all tools have. */
  readonly env: Readonly<Record<string, string>>;
}

/** An entry that stands for the tools of an MCP server, which only the server itself can list. */
export interface ModuleServer extends McpCommand {
  /** `tools[2] (mcp "python3 server.py")`, for messages. */
  readonly label: string;
  /** Names of the tools that are served, as the server has them; undefined: all. */
  readonly only: readonly string[] | undefined;
  /** Put before the server's names. */
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly locks: readonly Lock[];
  /** For all its tools, or for those of these names. */
  readonly idempotent: boolean | readonly string[];
  /** Milliseconds it may take to start and list its tools. */
  readonly startMs: number;
}

export type ReadEntry =
  | { readonly kind: 'tool'; readonly tool: ModuleTool }
  | { readonly kind: 'server'; readonly server: ModuleServer }
  /** The words that follow the entry's label. */
  | { readonly kind: 'wrong'; readonly problem: string };

const DEFAULT_START_MS = 20_000;
const LONGEST_START_MS = 60_000;

/** @param folder of the module: what a program's or server's `./path` is relative to. */
export function readEntry(entry: unknown, label: string, folder: string): ReadEntry {
  if (!isRecord(entry)) return wrong(`is ${entry === null ? 'null' : typeof entry}, not a tool`);
  if ('mcp' in entry) return readServer(entry, label, folder);
  // A bare tool may have fields of any name: only a wrapper's policies count.
  if (!('tool' in entry || 'exec' in entry)) return readTool(entry, DEFAULT_POLICY);
  const policy = readPolicy(entry);
  if (typeof policy === 'string') return wrong(policy);
  const { idempotent = false } = entry;
  if (typeof idempotent !== 'boolean') return wrong('has an `idempotent` that is neither true nor false');
  const whole = { timeoutMs: policy.timeoutMs, idempotent, locks: policy.locks };
  return 'exec' in entry ? readProgram(entry, whole, folder) : readTool(entry.tool, whole);
}

/** `tools[1] ("say")`, for messages. */
export function labelOf(entry: unknown, index: number): string {
  const tool = isRecord(entry) && isRecord(entry.tool) ? entry.tool : entry;
  if (!isRecord(tool)) return `tools[${index}]`;
  if (isName(tool.name)) return `tools[${index}] ("${tool.name}")`;
  const mcp = isRecord(tool.mcp) ? tool.mcp : {};
  const words = [mcp.command, ...(Array.isArray(mcp.args) ? mcp.args : [])].filter(isName);
  return words.length === 0 ? `tools[${index}]` : `tools[${index}] (mcp "${words.join(' ').slice(0, 80)}")`;
}

function readTool(tool: unknown, policy: Omit<ServedTool, 'name'>): ReadEntry {
  if (!isRecord(tool) || typeof tool.run !== 'function') {
    return wrong(
      'is not a tool: use what betaTool or betaZodTool returns, { exec, name, description, inputSchema } or { mcp: { command } }',
    );
  }
  if (!isName(tool.name)) return wrong('has no name: give the tool a `name`');
  for (const hook of ['parse', 'close'] as const) {
    if (tool[hook] !== undefined && typeof tool[hook] !== 'function')
      return wrong(`has a \`${hook}\` that is no function`);
  }
  const runnable = tool as unknown as RunnableTool;
  const description = typeof tool.description === 'string' ? tool.description : '';
  const implementation = { kind: 'function', tool: runnable } as const;
  return { kind: 'tool', tool: { served: { name: tool.name, ...policy }, description, implementation } };
}

function readProgram(
  entry: Record<string, unknown>,
  policy: Omit<ServedTool, 'name'>,
  folder: string,
): ReadEntry {
  const { exec, args = [], name, description, inputSchema } = entry;
  if (!isName(exec)) return wrong('has an `exec` that is no program: give its path or name');
  if (!isName(name)) return wrong('has no name: give the program a `name`');
  if (typeof description !== 'string')
    return wrong('has no description: say in `description` what the program does');
  if (!isRecord(inputSchema)) return wrong('has no inputSchema: give a JSON schema of type "object"');
  if (!isStrings(args)) return wrong('has `args` that are no strings');
  const program: ProgramTool = { exec: located(exec, folder), args, inputSchema };
  const implementation = { kind: 'program', program } as const;
  return { kind: 'tool', tool: { served: { name, ...policy }, description, implementation } };
}

function readServer(entry: Record<string, unknown>, label: string, folder: string): ReadEntry {
  const { mcp, tools, prefix = '', idempotent = false, startMs = DEFAULT_START_MS } = entry;
  if (!isRecord(mcp) || !isName(mcp.command))
    return wrong('has an `mcp` without a `command`: write { mcp: { command: "program", args: [ … ] } }');
  const { command, args = [], env = {} } = mcp;
  if (!isStrings(args)) return wrong('has `mcp.args` that are no strings');
  if (!isRecord(env) || !isStrings(Object.values(env)))
    return wrong('has an `mcp.env` that is no object of strings');
  const barred = Object.keys(env).find(isBarred);
  if (barred !== undefined) return wrong(`has an \`mcp.env\` with ${barred}: credentials never reach tools`);
  if (tools !== undefined && !isStrings(tools)) return wrong('has `tools` that are no names of its tools');
  if (typeof prefix !== 'string') return wrong('has a `prefix` that is no string');
  if (typeof idempotent !== 'boolean' && !isStrings(idempotent))
    return wrong('has an `idempotent` that is neither true, false nor a list of names');
  if (!isTime(startMs) || startMs > LONGEST_START_MS)
    return wrong(`has a \`startMs\` that is not a number of milliseconds up to ${LONGEST_START_MS}`);
  const policy = readPolicy(entry);
  if (typeof policy === 'string') return wrong(policy);
  const how = { command: located(command, folder), args, env: env as Record<string, string> };
  return {
    kind: 'server',
    server: { label, ...how, only: tools, prefix, idempotent, startMs, ...policy },
  };
}

type Policy = Pick<ServedTool, 'timeoutMs' | 'locks'>;

const DEFAULT_POLICY = { timeoutMs: DEFAULT_TOOL_TIMEOUT_MS, idempotent: false, locks: [] };

function readPolicy(entry: Record<string, unknown>): Policy | string {
  const { timeoutMs = DEFAULT_TOOL_TIMEOUT_MS, locks = [] } = entry;
  if (!isTime(timeoutMs)) return 'has a `timeoutMs` that is not a positive number of milliseconds';
  if (!Array.isArray(locks) || !locks.every(isLock)) {
    return 'has bad `locks`: each is { resource | pathFrom: string, mode: "shared" | "exclusive" }';
  }
  return { timeoutMs, locks };
}

/** Tools run in the session's workspace, where nothing of the module is: its own files are found from its folder. */
function located(program: string, folder: string): string {
  return /^\.\.?\//.test(program) && !isAbsolute(program) ? resolve(folder, program) : program;
}

function wrong(problem: string): ReadEntry {
  return { kind: 'wrong', problem };
}

function isLock(lock: unknown): lock is Lock {
  if (!isRecord(lock) || (lock.mode !== 'shared' && lock.mode !== 'exclusive')) return false;
  return typeof lock.resource === 'string' || typeof lock.pathFrom === 'string';
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value);
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name !== '';
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
