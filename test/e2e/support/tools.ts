/** The tools module of these tests. What a tool did stands in the file EFFECTS, a line per begin and end. */
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';

const anything = { type: 'object' } as const;

function note(line: string): void {
  // O_APPEND: lines of several processes do not mix.
  appendFileSync(process.env.EFFECTS ?? '/dev/null', `${line} ${Date.now()}\n`);
}

const work = {
  type: 'object',
  properties: { label: { type: 'string' }, ms: { type: 'integer' } },
  required: ['label', 'ms'],
} as const;

async function doWork(label: string, ms: number, signal?: AbortSignal | null): Promise<string> {
  note(`begin ${label}`);
  await sleep(ms, undefined, signal ? { signal } : {});
  note(`end ${label}`);
  return `did ${label}`;
}

const effect = betaTool({
  name: 'effect',
  description: 'leaves a line, works for some ms, leaves another',
  inputSchema: work,
  run: ({ label, ms }, context) => doWork(label, ms, context?.signal),
});

const alone = betaTool({
  name: 'alone',
  description: 'the same, one at a time',
  inputSchema: work,
  run: ({ label, ms }, context) => doWork(label, ms, context?.signal),
});

const lines = () => readFileSync(process.env.EFFECTS ?? '/dev/null', 'utf8');

const meet = betaTool({
  name: 'meet',
  description: 'ends when all others have begun',
  inputSchema: {
    type: 'object',
    properties: { label: { type: 'string' }, others: { type: 'array', items: { type: 'string' } } },
    required: ['label', 'others'],
  },
  run: async ({ label, others }, context) => {
    note(`begin ${label}`);
    while (!others.every(other => lines().includes(`begin ${other} `)))
      await sleep(20, undefined, context?.signal ? { signal: context.signal } : {});
    return `${label} met all`;
  },
});

const waitFor = betaTool({
  name: 'wait_for',
  description: 'takes the workspace until a line stands among the effects',
  inputSchema: {
    type: 'object',
    properties: { label: { type: 'string' }, line: { type: 'string' } },
    required: ['label', 'line'],
  },
  run: async ({ label, line }, context) => {
    note(`begin ${label}`);
    while (!lines().includes(`${line} `))
      await sleep(20, undefined, context?.signal ? { signal: context.signal } : {});
    return `${label} saw ${line}`;
  },
});

const typed = betaTool({
  name: 'typed',
  description: 'wants a city',
  inputSchema: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  run: ({ city }) => {
    note('begin typed');
    return `weather of ${city}`;
  },
});

const large = betaTool({
  name: 'large',
  description: 'returns so many bytes of text',
  inputSchema: {
    type: 'object',
    properties: { bytes: { type: 'integer' }, label: { type: 'string' } },
    required: ['bytes'],
  },
  run: ({ bytes, label }) => {
    note(`begin ${label ?? 'large'}`);
    return `${'x'.repeat(bytes - 4)} end`;
  },
});

/** Each of them harms itself in another way (I12). */
const misdeeds: Record<string, () => unknown> = {
  'throw-odd': () => {
    throw Object.create(null);
  },
  'return-undefined': () => undefined,
  'exit-process': () => process.exit(3),
  'loop-for-ever': () => {
    note('begin loop-for-ever');
    for (;;);
  },
};

export default {
  tools: [
    effect,
    meet,
    { tool: alone, locks: [{ resource: 'workspace', mode: 'exclusive' }] },
    { tool: waitFor, locks: [{ resource: 'workspace', mode: 'exclusive' }] },
    typed,
    large,
    ...Object.entries(misdeeds).map(([name, run]) => ({
      tool: betaTool({ name, description: name, inputSchema: anything, run: run as () => string }),
      timeoutMs: 3_000,
    })),
  ],
};
