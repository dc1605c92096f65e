/** A made-up value that fits a JSON schema, for tools whose author gave no inputs. */
import type { Random } from './random.ts';

type Schema = Readonly<Record<string, unknown>>;

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00Z',
  email: 'chaos@example.com',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  uuid: '123e4567-e89b-42d3-a456-426614174000',
  ipv4: '127.0.0.1',
  hostname: 'example.com',
};
const DEEPEST = 8;
/** Numbers without an upper bound. */
const SPREAD = 100;

/** Objects get their required fields only. What a schema says beyond type, bounds and format is not looked at. */
export function sampleOf(schema: unknown, random: Random, depth = 0): unknown {
  if (typeof schema !== 'object' || schema === null || depth > DEEPEST) return {};
  const given = schema as Schema;
  if ('const' in given) return given.const;
  if ('default' in given) return given.default;
  for (const key of ['examples', 'enum'] as const) {
    const values = given[key];
    if (Array.isArray(values) && values.length > 0) return random.pick(values as readonly unknown[]);
  }
  for (const key of ['anyOf', 'oneOf'] as const) {
    const choices = given[key];
    if (Array.isArray(choices) && choices.length > 0)
      return sampleOf(random.pick(choices), random, depth + 1);
  }
  const { type } = given;
  switch (Array.isArray(type) ? type[0] : type) {
    case 'string':
      return text(given, random);
    case 'integer':
      return Math.round(within(given, random));
    case 'number':
      return within(given, random);
    case 'boolean':
      return random.chance(0.5);
    case 'null':
      return null;
    case 'array':
      return Array.from({ length: count(given.minItems, 1) }, () => sampleOf(given.items, random, depth + 1));
    default:
      return object(given, random, depth);
  }
}

function object({ properties, required }: Schema, random: Random, depth: number): Record<string, unknown> {
  const known = (properties ?? {}) as Schema;
  const names = Array.isArray(required) ? (required as readonly string[]) : [];
  return Object.fromEntries(names.map(name => [name, sampleOf(known[name], random, depth + 1)]));
}

function text({ format, minLength, maxLength }: Schema, random: Random): string {
  const known = typeof format === 'string' ? FORMATS[format] : undefined;
  if (known !== undefined) return known;
  const made = `chaos ${random.int(1, 9_999)}`.padEnd(count(minLength, 0), 'x');
  return made.slice(0, count(maxLength, made.length));
}

function within(schema: Schema, random: Random): number {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const step = typeof multipleOf === 'number' ? multipleOf : 1;
  const most = Math.min(numeric(maximum, Infinity), numeric(exclusiveMaximum, Infinity) - step);
  const least = Math.max(numeric(minimum, -Infinity), numeric(exclusiveMinimum, -Infinity) + step);
  const from = Number.isFinite(least) ? least : Math.min(0, most);
  const to = Number.isFinite(most) ? most : from + SPREAD * step;
  const steps = Math.max(0, Math.floor((to - from) / step));
  return Math.ceil(from / step) * step + random.int(0, steps) * step;
}

function numeric(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function count(value: unknown, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? value : otherwise;
}
