import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';

const weather = betaTool({
  name: 'get_weather',
  description: 'The weather in a city',
  inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  run: async ({ city }) => `It is sunny in ${city}.`,
});

export default { tools: [{ tool: weather, timeoutMs: 30_000, idempotent: true }] };
