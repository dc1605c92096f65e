// Serves the tool calls of a session, whose id is the argument, until it has been idle for a minute.
import Anthropic from '@anthropic-ai/sdk';
import { betaAgentToolset20260401 } from '@anthropic-ai/sdk/tools/agent-toolset/node';
import own from './tools.ts';

const client = new Anthropic();
const [sessionId = ''] = process.argv.slice(2);
const workdir = process.cwd();

for await (const call of client.beta.sessions.events.toolRunner(sessionId, {
  tools: [...betaAgentToolset20260401({ workdir }), ...own.tools.map(({ tool }) => tool)],
})) {
  console.log(`${call.name} -> ${call.isError ? 'error' : 'ok'}`);
}
