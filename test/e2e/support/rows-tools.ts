/** The tools of these tests, and those that the rows of the SDK's suite need. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError';
import tools from './tools.ts';

type Returned = ConstructorParameters<typeof ToolError>[0];

const anything = { type: 'object' } as const;

function note(line: string): void {
  appendFileSync(process.env.EFFECTS ?? '/dev/null', `${line} ${Date.now()}\n`);
}

const give = betaTool({
  name: 'give',
  description: 'returns its input, a text or blocks',
  inputSchema: anything,
  run: input => (input as { value: Returned }).value,
});

const refuse = betaTool({
  name: 'refuse',
  description: 'throws its input as the content of a ToolError',
  inputSchema: anything,
  run: input => {
    throw new ToolError((input as { value: Returned }).value);
  },
});

const fail = betaTool({
  name: 'fail',
  description: 'throws an Error with this message',
  inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
  run: ({ message }): string => {
    throw new Error(message);
  },
});

/** Kept from call to call; a session's host has its own. */
let opened: string | undefined;

const closing = betaTool({
  name: 'closing',
  description: 'is closed with its session',
  inputSchema: { type: 'object', properties: { label: { type: 'string' } }, required: ['label'] },
  run: ({ label }) => {
    opened = label;
    note(`used ${label}`);
    return label;
  },
  close: async () => {
    await sleep(50);
    if (opened !== undefined) note(`closed ${opened}`);
  },
});

const patient = betaTool({
  name: 'patient',
  description: 'waits for ever, but heeds its signal',
  inputSchema: anything,
  run: (_, context) => sleep(600_000, 'never', context?.signal ? { signal: context.signal } : {}),
});

const stubborn = betaTool({
  name: 'stubborn',
  description: 'waits for ever and heeds nothing',
  inputSchema: anything,
  run: () => sleep(600_000, 'never'),
});

export default {
  tools: [
    ...tools.tools,
    give,
    refuse,
    fail,
    closing,
    { tool: patient, timeoutMs: 300 },
    { tool: stubborn, timeoutMs: 300 },
  ],
};
