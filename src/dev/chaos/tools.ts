/**
 * The tools that chaos serves. Each leaves one line in the effects ledger for each start, and does so by itself.
 * Plain objects, not the SDK's helpers: a thread that loads them is up at once, and the SDK's runner takes them too.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WorkInput {
  readonly label: string;
  /** Before its effect. */
  readonly prepareMs: number;
  /** After its effect. */
  readonly ms: number;
}

interface LargeInput {
  readonly label: string;
  readonly bytes: number;
}

const LABEL = { label: { type: 'string' } } as const;
const WORK = { ...LABEL, prepareMs: { type: 'integer' }, ms: { type: 'integer' } } as const;

/** Beginning of what every tool answers; the agent looks for it. */
export function answerOf(label: string): string {
  return `did ${label}`;
}

/** Label of the line that a tool leaves before its effect, if that takes a while: a second start shows early. */
export function beginOf(label: string): string {
  return `${label}:begin`;
}

/** @param file the effects ledger. */
export function chaosTools(file: string) {
  const effect = (label: string) => appendFileSync(file, `${label}\t${Date.now()}\n`);
  const work = async ({ label, prepareMs, ms }: WorkInput) => {
    if (prepareMs > 0) {
      effect(beginOf(label));
      await sleep(prepareMs);
    }
    effect(label);
    await sleep(ms);
    return answerOf(label);
  };
  return [
    tool('work', 'takes effect once and takes its time', WORK, work),
    { tool: tool('work_again', 'may be started again', WORK, work), idempotent: true },
    tool('fail', 'takes effect, and throws', WORK, async (input: WorkInput) => {
      await work(input);
      throw new Error(`failed after it ${answerOf(input.label)}`);
    }),
    tool(
      'large',
      'answers much',
      { ...LABEL, bytes: { type: 'integer' } },
      ({ label, bytes }: LargeInput) => {
        effect(label);
        const answer = answerOf(label);
        return `${answer}\n${'x'.repeat(Math.max(0, bytes - answer.length))}`;
      },
    ),
  ];
}

function tool<Input>(name: string, description: string, properties: object, run: (input: Input) => unknown) {
  const input_schema = { type: 'object', properties, required: Object.keys(properties) } as const;
  return { type: 'custom', name, description, input_schema, run, parse: (input: unknown) => input } as const;
}
