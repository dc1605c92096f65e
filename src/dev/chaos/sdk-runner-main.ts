/** Entry of the process of `--runner sdk`: the SDK's own runner and toolset for several sessions. */
import { appendFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import { betaAgentToolset20260401 } from '@anthropic-ai/sdk/tools/agent-toolset/node';
import { effectsFile } from './effects.ts';
import { type SdkRunnerInput, sdkWorkspace } from './sdk-runner.ts';

const { apiUrl, sessionIds, folder, toolsModule, notesStarts, readyText } = JSON.parse(
  process.argv[2] ?? '',
) as SdkRunnerInput;

/** Chaos ends the process; a session that waits for its agent must not end its runner. */
const MAX_IDLE_MS = 3_600_000;
const AGAIN_MS = 500;

const module = (await import(pathToFileURL(toolsModule).href)) as {
  default: { tools: readonly (BetaRunnableTool | { tool: BetaRunnableTool })[] };
};
const effects = effectsFile(folder);

/** Its starts noted by the id of the call: a user's tool leaves no line by itself. */
function noted(tool: BetaRunnableTool): BetaRunnableTool {
  return {
    ...tool,
    run: (input, context) => {
      appendFileSync(effects, `${context?.toolUse?.id ?? ''}\t${Date.now()}\n`);
      return tool.run(input, context);
    },
  };
}

const own = module.default.tools
  .map(entry => ('tool' in entry ? entry.tool : entry))
  .map(tool => (notesStarts ? noted(tool) : tool));
const client = new Anthropic({ apiKey: 'chaos', baseURL: apiUrl });

async function serve(sessionId: string): Promise<never> {
  const workdir = join(folder, sdkWorkspace(sessionId));
  await mkdir(workdir, { recursive: true });
  for (;;) {
    try {
      const tools = [...betaAgentToolset20260401({ workdir }), ...own];
      const runner = client.beta.sessions.events.toolRunner(sessionId, { tools, maxIdleMs: MAX_IDLE_MS });
      for await (const call of runner) if (!call.posted) console.log(`${call.name}: not posted`);
    } catch (error) {
      console.error(`${sessionId}: ${String(error)}`);
    }
    // As its supervisor would: a runner that gave up is started again.
    await sleep(AGAIN_MS);
  }
}

const serving = sessionIds.map(serve);
console.log(readyText);
await Promise.all(serving);
