/**
 * Chaos on the user's own tools. Inputs come from the module's export `chaos`, `{ tool_name: [input, …] }`, else they
 * are made up from the tool's schema. The tools leave no ledger of ours: starts are counted in the journals.
 */

import { pathToFileURL } from 'node:url';
import { checkSchema, checkToolInput } from '../../tool-host/input-check.ts';
import type { ModuleTool } from '../../tool-host/module-entry.ts';
import { firstProblem, loadToolsModule } from '../../tool-host/tools-module.ts';
import type { CallMix, MixedCall } from './call-mix.ts';
import { createRandom, type Random } from './random.ts';
import { sampleOf } from './sample-input.ts';

export type UserTools =
  | {
      readonly kind: 'usable';
      readonly path: string;
      readonly mix: (session: string, random: Random) => CallMix;
    }
  /** For a person: what is wrong, and what to do. */
  | { readonly kind: 'unusable'; readonly message: string };

/** Made-up inputs that are tried for each tool before the run. */
const TRIED = 20;

/** @param path absolute path of the tools module, which is loaded here: it is the user's own machine and code. */
export async function loadUserTools(path: string): Promise<UserTools> {
  const loaded = await loadToolsModule(path);
  if (loaded.kind === 'broken') return { kind: 'unusable', message: firstProblem(loaded.problems) };
  if (loaded.tools.length === 0)
    return {
      kind: 'unusable',
      message: `the tools module ${path} has tools of MCP servers only, which are not struck`,
    };
  const { chaos } = (await import(pathToFileURL(path).href)) as { chaos?: unknown };
  const given = readGiven(chaos, loaded.tools);
  if (typeof given === 'string')
    return { kind: 'unusable', message: `the export \`chaos\` of the tools module ${path} ${given}` };
  for (const tool of loaded.tools) {
    const problem = await problemOf(tool, given[tool.served.name]);
    if (problem !== undefined) return { kind: 'unusable', message: `${problem} (tools module ${path})` };
  }
  return {
    kind: 'usable',
    path,
    mix: (session, random) => createUserMix(session, random, loaded.tools, given),
  };
}

type Given = Readonly<Record<string, readonly object[]>>;

/** The inputs, or what is wrong with them. */
function readGiven(chaos: unknown, tools: readonly ModuleTool[]): Given | string {
  if (chaos === undefined) return {};
  if (typeof chaos !== 'object' || chaos === null) return 'is not an object: write { tool_name: [input, …] }';
  for (const [name, inputs] of Object.entries(chaos)) {
    if (!tools.some(tool => tool.served.name === name)) return `names "${name}", which is no tool of it`;
    const isList = Array.isArray(inputs) && inputs.length > 0;
    if (!isList || inputs.some(input => typeof input !== 'object' || input === null))
      return `has no list of inputs for "${name}": write [input, …]`;
  }
  return chaos as Given;
}

async function problemOf(
  tool: ModuleTool,
  given: readonly object[] | undefined,
): Promise<string | undefined> {
  const { name } = tool.served;
  const random = createRandom(1, name);
  const inputs = given ?? Array.from({ length: TRIED }, () => sampleOf(schemaOf(tool), random));
  for (const input of inputs) {
    const checked =
      tool.implementation.kind === 'function'
        ? await checkToolInput(tool.implementation.tool, input)
        : await checkSchema(name, schemaOf(tool), input);
    if (checked.kind === 'valid') continue;
    if (given !== undefined) return `chaos.${name}: ${checked.message}`;
    return `no input could be made up for ${name} (${checked.message}): export const chaos = { ${name}: [{ … }] }`;
  }
  return undefined;
}

function schemaOf({ implementation }: ModuleTool): unknown {
  return implementation.kind === 'function'
    ? implementation.tool.input_schema
    : implementation.program.inputSchema;
}

function createUserMix(session: string, random: Random, tools: readonly ModuleTool[], given: Given): CallMix {
  let count = 0;
  const make = (): MixedCall => {
    const tool = random.pick(tools);
    const { name, idempotent } = tool.served;
    const input = given[name] === undefined ? sampleOf(schemaOf(tool), random) : random.pick(given[name]);
    const effect = { kind: 'starts', isRepeatable: idempotent } as const;
    return { label: `${session}-${++count}`, name, input: input as object, effect, answer: undefined };
  };
  return { first: () => [], round: () => Array.from({ length: random.int(2, 10) }, make) };
}
