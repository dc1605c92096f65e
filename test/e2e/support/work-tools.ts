/** The tools of these tests, and one that tells what its module sees. */
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import tools from './tools.ts';

let uses = 0;

const where = betaTool({
  name: 'where',
  description: 'tells its folder, and how often this copy of the module was used',
  inputSchema: { type: 'object' },
  run: () => `${process.cwd()} ${++uses}`,
});

export default { tools: [...tools.tools, where] };
