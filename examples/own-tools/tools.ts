import { join } from 'node:path';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { z } from 'zod';

const shipping = betaZodTool({
  name: 'shipping_cost',
  description: 'What a parcel costs, in euros',
  inputSchema: z.object({ kilograms: z.number().positive(), country: z.string().length(2) }),
  run: async ({ kilograms, country }) => `${(kilograms * (country === 'DE' ? 2 : 5)).toFixed(2)} EUR`,
});

const here = import.meta.dirname;

export default {
  tools: [
    { tool: shipping, timeoutMs: 10_000, idempotent: true },
    {
      exec: 'python3',
      args: [join(here, 'word_count.py')],
      name: 'word_count',
      description: 'Counts the words of a text, or of a file in the workspace',
      inputSchema: {
        type: 'object',
        properties: { text: { type: 'string' }, file: { type: 'string' } },
      },
      timeoutMs: 30_000,
      idempotent: true,
    },
    {
      mcp: { command: 'node', args: [join(here, 'notes-server.ts')] },
      prefix: 'notes_',
      idempotent: ['list'],
      locks: [{ resource: 'notes', mode: 'exclusive' }],
    },
  ],
};
