/**
 * A tool's input held against its schema before the tool runs. `betaTool` does not validate and `betaZodTool` throws
 * its issues as JSON; either way the model gets one line that names the fields.
 */
import type { ValidateFunction } from 'ajv';
import type { RunnableTool } from './module-entry.ts';
import { messageOf } from './tools-module.ts';

export type CheckedInput =
  | { readonly kind: 'valid'; readonly input: unknown }
  | { readonly kind: 'invalid'; readonly message: string };

const validators = new WeakMap<object, ValidateFunction | 'unusable'>();

/** Through the tool's own `parse`, and against its JSON schema where `parse` only hands the input on. */
export async function checkToolInput(tool: RunnableTool, input: unknown): Promise<CheckedInput> {
  let parsed = input;
  if (tool.parse !== undefined) {
    try {
      parsed = tool.parse(input);
    } catch (error) {
      return { kind: 'invalid', message: invalid(tool.name, issuesOf(error) ?? [messageOf(error)]) };
    }
  }
  // zod builds a new object, and its generated schema describes the output, not the input.
  if (parsed !== input) return { kind: 'valid', input: parsed };
  return checkSchema(tool.name, tool.input_schema, input);
}

/** Against a JSON schema; a schema that cannot be compiled lets everything pass, as with the SDK. */
export async function checkSchema(name: string, schema: unknown, input: unknown): Promise<CheckedInput> {
  if (typeof schema !== 'object' || schema === null) return { kind: 'valid', input };
  const known = validators.get(schema);
  const validate = known ?? (await compile(schema).catch(() => 'unusable' as const));
  if (known === undefined) validators.set(schema, validate);
  if (validate === 'unusable' || validate(input) === true) return { kind: 'valid', input };
  const problems = (validate.errors ?? []).map(({ instancePath, message, keyword, params }) => {
    const field = instancePath.slice(1).replaceAll('/', '.');
    const extra = keyword === 'additionalProperties' ? ` ("${params.additionalProperty}")` : '';
    return `${field === '' ? '' : `${field}: `}${message ?? keyword}${extra}`;
  });
  return { kind: 'invalid', message: invalid(name, problems) };
}

/** What is wrong with a JSON schema, if anything. */
export async function problemOfSchema(schema: unknown): Promise<string | undefined> {
  if (typeof schema !== 'object' || schema === null) return undefined;
  try {
    await compile(schema);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function compile(schema: object): Promise<ValidateFunction> {
  // `$schema` only picks the draft; the newest understands what tools use of the older ones.
  const { $schema: _, ...rest } = schema as Record<string, unknown>;
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  return new Ajv2020({ allErrors: true, strict: false, logger: false }).compile(rest);
}

function invalid(name: string, problems: readonly string[]): string {
  return `Error: invalid input for ${name}: ${problems.slice(0, 10).join('; ')}`;
}

/** zod's issues as `field: message`. */
function issuesOf(error: unknown): string[] | undefined {
  if (!(error instanceof Error) || !('issues' in error) || !Array.isArray(error.issues)) return undefined;
  return error.issues.map((issue: { path?: unknown[]; message?: string }) => {
    const field = (issue.path ?? []).map(String).join('.');
    return `${field === '' ? '' : `${field}: `}${issue.message ?? 'invalid'}`;
  });
}
