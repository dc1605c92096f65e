// Serves the tool calls of a session, whose id is the argument, until it has been idle for a minute.
import Anthropic from '@anthropic-ai/sdk';
import { durableToolRunner } from 'holdfast/client';

const client = new Anthropic();
const [sessionId = ''] = process.argv.slice(2);

for await (const call of durableToolRunner(client, sessionId, {
  tools: new URL('./tools.ts', import.meta.url),
})) {
  console.log(`${call.name} -> ${call.isError ? 'error' : 'ok'}`);
}
