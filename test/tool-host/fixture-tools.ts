/** The tools module that the tests of the tool host load: well-behaved tools, and one for each way to misbehave. */
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError';
import * as z from 'zod';

let calls = 0;
const anything = { type: 'object' } as const;
const aFile = { type: 'object', properties: { file: { type: 'string' } }, required: ['file'] } as const;

const noop = betaTool({
  name: 'noop',
  description: 'does nothing',
  inputSchema: anything,
  run: () => 'done',
});

const count = betaTool({
  name: 'count',
  description: 'how often this thread has counted',
  inputSchema: anything,
  run: () => {
    calls += 1;
    return `${calls}`;
  },
  close: () => {
    const file = process.env.HOOKS_FILE;
    if (file !== undefined) appendFileSync(file, 'count closed\n');
  },
});

const effect = betaTool({
  name: 'effect',
  description: 'appends a line, waits, appends another',
  inputSchema: {
    type: 'object',
    properties: { file: { type: 'string' }, ms: { type: 'integer' } },
    required: ['file', 'ms'],
  },
  run: async ({ file, ms }, context) => {
    appendFileSync(file, 'begun\n');
    console.log('effect has begun');
    await sleep(ms, undefined, context?.signal ? { signal: context.signal } : {});
    appendFileSync(file, 'ended\n');
    return 'effect';
  },
  close: async () => {
    await sleep(20);
    const file = process.env.HOOKS_FILE;
    if (file !== undefined) appendFileSync(file, 'effect closed\n');
  },
});

const seen = betaTool({
  name: 'seen',
  description: 'what a tool sees of its surroundings',
  inputSchema: anything,
  run: (_, context) => JSON.stringify({ env: process.env, cwd: process.cwd(), toolUse: context?.toolUse }),
});

const orphan = betaTool({
  name: 'orphan',
  description: 'starts a process that leaves its session, then waits',
  inputSchema: aFile,
  run: async ({ file }) => {
    spawn('setsid', ['sh', '-c', `echo $$ > '${file}'; exec sleep 300`], {
      stdio: 'ignore',
      detached: true,
    }).unref();
    await sleep(300_000);
    return 'never';
  },
});

const typed = betaZodTool({
  name: 'typed',
  description: 'wants a city and a number of days',
  inputSchema: z.object({ city: z.string(), days: z.number().default(1) }),
  run: ({ city, days }) => `${city} ${days}`,
});

const schemed = betaTool({
  name: 'schemed',
  description: 'the same with a JSON schema',
  inputSchema: {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'number' } },
    required: ['city', 'days'],
    additionalProperties: false,
  },
  run: ({ city, days }) => `${city} ${days}`,
});

const refuses = betaTool({
  name: 'refuses',
  description: 'throws a ToolError with blocks',
  inputSchema: anything,
  run: () => {
    const image = {
      type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: 'AAAA' },
    } as const;
    throw new ToolError([{ type: 'text', text: 'not today' }, image]);
  },
});

const blocks = betaTool({
  name: 'blocks',
  description: 'returns every kind of block',
  inputSchema: anything,
  run: () => [
    { type: 'text', text: 'plain' },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'page' } },
    { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'hit' }] },
    { type: 'tool_reference', tool_name: 'other' },
  ],
});

/** Each of them harms itself in another way (I12). */
const misdeeds: Record<string, (input: { bytes?: number }) => unknown> = {
  'throw-error': () => {
    throw new Error('it broke');
  },
  'throw-string': () => {
    throw 'just a string';
  },
  'throw-odd': () => {
    throw Object.create(null);
  },
  'return-undefined': () => undefined,
  'return-number': () => 5,
  'return-empty': () => '',
  'return-huge': ({ bytes = 0 }) => 'x'.repeat(bytes),
  'return-huge-blocks': ({ bytes = 0 }) => [
    { type: 'text', text: 'y'.repeat(bytes) },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(bytes) } },
  ],
  'return-cycle': () => {
    const block: Record<string, unknown> = { type: 'odd' };
    block.self = block;
    return [block];
  },
  'exit-process': () => process.exit(3),
  'loop-for-ever': () => {
    for (;;);
  },
  'ignore-abort': () => new Promise(() => setInterval(() => {}, 1000)),
  'fill-memory': () => {
    const kept: unknown[] = [];
    for (let index = 0; index < 600; index++) kept.push(new Array(100_000).fill(index));
    return `kept ${kept.length}`;
  },
  'fill-buffers': () => {
    const kept: unknown[] = [];
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (;;) {
      kept.push(Buffer.alloc(1024 * 1024, 1));
      Atomics.wait(pause, 0, 0, 2);
    }
  },
  'take-all-files': async () => {
    const files: number[] = [];
    try {
      for (;;) files.push(openSync('/dev/null', 'r'));
    } catch {
      await sleep(500);
      for (const file of files) closeSync(file);
      return `opened ${files.length > 100 ? 'many' : files.length}`;
    }
  },
  'reject-aside': () => {
    void Promise.reject(new Error('nobody looked'));
    return sleep(10_000, 'too late');
  },
  'print-much': ({ bytes = 0 }) => {
    process.stdout.write('z'.repeat(bytes));
    return 'printed';
  },
};

const bad = Object.entries(misdeeds).map(([name, run]) =>
  betaTool({
    name,
    description: name,
    inputSchema: { type: 'object', properties: { bytes: { type: 'integer' } } },
    run: run as (input: { bytes?: number }) => string,
  }),
);

export default {
  tools: [
    noop,
    count,
    { tool: effect, timeoutMs: 60_000, locks: [{ pathFrom: 'file', mode: 'exclusive' }] },
    seen,
    orphan,
    typed,
    schemed,
    refuses,
    blocks,
    ...bad,
    {
      exec: 'python3',
      args: [
        '-c',
        'import json,sys; i=json.load(sys.stdin); sys.stderr.write("working\\n"); print("hello " + i["name"])',
      ],
      name: 'greet',
      description: 'greets, in Python',
      inputSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      idempotent: true,
    },
    {
      exec: 'python3',
      args: ['-c', 'import json,os,sys; i=json.load(sys.stdin); os.execvp("sh", ["sh", "-c", i["script"]])'],
      name: 'shell-script',
      description: 'runs a script given in the input',
      inputSchema: { type: 'object', properties: { script: { type: 'string' } }, required: ['script'] },
      timeoutMs: 5_000,
    },
    {
      exec: 'sh',
      args: ['-c', 'exec 0<&-; sleep 0.1; echo did not listen'],
      name: 'deaf',
      description: 'closes its input unread',
      inputSchema: { type: 'object' },
    },
    {
      exec: './no-such-program',
      name: 'missing',
      description: 'is not there',
      inputSchema: { type: 'object' },
    },
  ],
};
