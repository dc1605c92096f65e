/** Entry of the process of `--runner sdk`: the SDK's own runner and toolset, with the demo's tools. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import { betaAgentToolset20260401 } from '@anthropic-ai/sdk/tools/agent-toolset/node';
import { effectsFile } from './effects.ts';
import { runsFile, type ToolRunNote } from './sdk-runs.ts';
import { demoTools } from './tools.ts';

export interface SdkRunnerInput {
  readonly apiUrl: string;
  readonly sessionId: string;
  readonly folder: string;
  readonly maxIdleMs: number;
}

const { apiUrl, sessionId, folder, maxIdleMs } = JSON.parse(process.argv[2] ?? '') as SdkRunnerInput;

/** The tool, its starts and ends noted for the timeline. */
function noted(tool: BetaRunnableTool): BetaRunnableTool {
  const note = (entry: ToolRunNote) => appendFileSync(runsFile(folder), `${JSON.stringify(entry)}\n`);
  return {
    ...tool,
    run: async (input, context) => {
      const call = context?.toolUse?.id ?? '';
      note({ call, what: 'started', at: Date.now() });
      try {
        return await tool.run(input, context);
      } finally {
        note({ call, what: 'ended', at: Date.now() });
      }
    },
  };
}

const client = new Anthropic({ apiKey: 'demo', baseURL: apiUrl });
const tools: BetaRunnableTool[] = [
  ...betaAgentToolset20260401({ workdir: join(folder, 'workspace') }),
  ...demoTools(effectsFile(folder)),
];
const runner = client.beta.sessions.events.toolRunner(sessionId, { tools: tools.map(noted), maxIdleMs });
for await (const call of runner) console.log(`${call.name}: ${call.posted ? 'posted' : 'not posted'}`);
