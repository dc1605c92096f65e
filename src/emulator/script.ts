/**
 * An agent script plays the model. Either a list of steps (JSON), or a function of the agent:
 * `async agent => { … await agent.call('bash', { command: 'ls' }) … }`, which may also be an async generator
 * that yields steps and gets their results.
 */
import { z } from 'zod';
import type { Agent } from './agent.ts';
import { type Expectation, expectationSchema } from './expectation.ts';
import { describe } from './posted-events.ts';

const callFields = {
  input: z.record(z.string(), z.unknown()).default({}),
  /** Left out: `builtin` for the names of the agent toolset, else `custom`. */
  kind: z.enum(['builtin', 'custom', 'mcp']).optional(),
  /** `evaluated_permission` as it goes on the wire; `omitted` leaves the key out. Default: `allow` for builtin tools. */
  permission: z.string().nullish(),
  /** Name of the child thread that makes the call; it is created at its first use. */
  thread: z.string().optional(),
  id: z.string().optional(),
};

const callSchema = z.strictObject({ call: z.string(), ...callFields });

/** One step is one object; its first key names it. */
export type Step =
  | { say: string }
  | z.input<typeof callSchema>
  | { calls: z.input<typeof callSchema>[] }
  | ({ ask: string } & Omit<z.input<typeof callSchema>, 'call'>)
  | { expect: Expectation }
  | { branch: Expectation; steps: Step[]; else?: Step[] | undefined }
  | { repeat: number; steps: Step[] }
  | { idle: string }
  | { wait: number }
  | { emit: { type: string; [field: string]: unknown } }
  | { error: string }
  | { end_thread: string }
  | { terminate: true }
  | { end: true };

export type CallStep = z.output<typeof callSchema>;

export type Script =
  | readonly Step[]
  | ((agent: Agent) => Promise<unknown> | AsyncGenerator<Step, unknown, unknown>);

const steps: z.ZodType<Step[]> = z.lazy(() => z.array(z.unknown()).transform(readEach));

const STEPS: Readonly<Record<string, z.ZodType>> = {
  say: z.strictObject({ say: z.string() }),
  call: callSchema,
  calls: z.strictObject({ calls: z.array(callSchema).min(1) }),
  ask: z.strictObject({ ask: z.string(), ...callFields }),
  expect: z.strictObject({ expect: expectationSchema }),
  branch: z.strictObject({ branch: expectationSchema, steps, else: steps.optional() }),
  repeat: z.strictObject({ repeat: z.int().min(0), steps }),
  idle: z.strictObject({ idle: z.string() }),
  wait: z.strictObject({ wait: z.number().min(0) }),
  emit: z.strictObject({ emit: z.looseObject({ type: z.string() }) }),
  error: z.strictObject({ error: z.string() }),
  end_thread: z.strictObject({ end_thread: z.string() }),
  terminate: z.strictObject({ terminate: z.literal(true) }),
  end: z.strictObject({ end: z.literal(true) }),
};

/** A step that cannot be understood, named by its place, such as `steps.2.input: …`. */
export class ScriptError extends Error {}

/** Reads a script: a function as it is, steps checked one by one. */
export function readScript(script: unknown): Script {
  if (typeof script === 'function') return script as Script;
  if (!Array.isArray(script)) throw new ScriptError('a script is an array of steps or a function');
  return script.map((step, i) => readStep(step, `steps.${i}`));
}

function readEach(raw: unknown[], context: z.core.$RefinementCtx): Step[] {
  try {
    return raw.map((step, i) => readStep(step, String(i)));
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message, input: raw });
    return [];
  }
}

/** One step; `place` goes before the complaint. */
export function readStep(step: unknown, place: string): Step {
  const keys = typeof step === 'object' && step !== null ? Object.keys(step) : [];
  const name = Object.keys(STEPS).find(known => keys.includes(known));
  const schema = name === undefined ? undefined : STEPS[name];
  if (schema === undefined) {
    throw new ScriptError(
      `${place}: a step has one of the keys ${Object.keys(STEPS).join(', ')}, this one has ${keys.join(', ') || 'none'}`,
    );
  }
  const parsed = schema.safeParse(step);
  if (parsed.success) return parsed.data as Step;
  const unknown = parsed.error.issues[0]?.code === 'unrecognized_keys';
  const known =
    unknown && schema instanceof z.ZodObject ? `; it may have ${Object.keys(schema.shape).join(', ')}` : '';
  throw new ScriptError(`${place}.${describe(parsed.error)}${known}`);
}
