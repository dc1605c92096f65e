/**
 * The user's tools module (§9): `export default { tools: [tool | { tool, … } | { exec, … } | { mcp, … }] }`. It runs
 * user code, so it is loaded only in tools threads and in the short-lived process of `describeTools`. What is wrong
 * with it is told with the file, the tool and the mend.
 */
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorText } from '../error-text.ts';
import { isBuiltin } from './builtin-tools.ts';
import { whyNotLoaded } from './load-failure.ts';
import { labelOf, type ModuleServer, type ModuleTool, readEntry } from './module-entry.ts';

export type LoadedModule =
  | {
      readonly kind: 'loaded';
      readonly tools: readonly ModuleTool[];
      readonly servers: readonly ModuleServer[];
    }
  /** Every fault, each with the file; the module is of no use. */
  | { readonly kind: 'broken'; readonly problems: readonly string[] };

/** @param path absolute path of the module. */
export async function loadToolsModule(path: string): Promise<LoadedModule> {
  let exported: unknown;
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
    exported = module.default;
  } catch (error) {
    return broken(path, [whyNotLoaded(path, error)]);
  }
  const holder: { readonly tools?: unknown } =
    typeof exported === 'object' && exported !== null ? exported : {};
  const entries = holder.tools;
  if (!Array.isArray(entries)) {
    const what = exported === undefined ? 'has no default export' : 'has a default export without `tools`';
    return broken(path, [`${what}; write \`export default { tools: [ … ] }\``]);
  }
  if (entries.length === 0) return broken(path, ['exports no tools; add one, or leave the module out']);
  const tools: ModuleTool[] = [];
  const servers: ModuleServer[] = [];
  const problems: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const label = labelOf(entry, index);
    const read = readEntry(entry, label, dirname(path));
    if (read.kind === 'wrong') problems.push(`${label} ${read.problem}`);
    else if (read.kind === 'server') servers.push(read.server);
    else {
      const { name } = read.tool.served;
      const clash = clashOf(name, `tools[${index}]`, tools);
      if (clash === undefined) tools.push(read.tool);
      else problems.push(clash);
    }
  }
  return problems.length > 0 ? broken(path, problems) : { kind: 'loaded', tools, servers };
}

/** What is wrong with a tool's name beside those of others, if anything. */
export function clashOf(
  name: string,
  label: string,
  others: readonly { readonly served: { readonly name: string } }[],
  mend = 'rename',
): string | undefined {
  if (isBuiltin(name)) return `${label} is named "${name}", which is a built-in tool; ${mend} it`;
  if (others.some(other => other.served.name === name)) return `has two tools named "${name}"; ${mend} one`;
  return undefined;
}

export function messageOf(error: unknown): string {
  try {
    return errorText(error);
  } catch {
    return 'a value that cannot be shown';
  }
}

/** One line for those who cannot use the module; `holdfast tools --check` shows every fault. */
export function firstProblem(problems: readonly string[]): string {
  const [first = '', ...more] = problems;
  return more.length === 0 ? first : `${first} (and ${more.length} more: holdfast tools --check)`;
}

export function faultOf(path: string, what: string): string {
  return `the tools module ${path} ${what}`;
}

function broken(path: string, problems: readonly string[]): LoadedModule {
  return { kind: 'broken', problems: problems.map(what => faultOf(path, what)) };
}
