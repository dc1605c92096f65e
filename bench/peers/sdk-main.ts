/** Entry of the process of the SDK's own runner. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { betaAgentToolset20260401 } from '@anthropic-ai/sdk/tools/agent-toolset/node';
import own from '../tools.ts';

export interface SdkRunnerInput {
  readonly apiUrl: string;
  readonly sessionIds: readonly string[];
  readonly folder: string;
}

const { apiUrl, sessionIds, folder } = JSON.parse(process.argv[2] ?? '') as SdkRunnerInput;

/** Workloads end the process. */
const MAX_IDLE_MS = 3_600_000;

const client = new Anthropic({ apiKey: 'bench', baseURL: apiUrl });

async function serve(sessionId: string): Promise<void> {
  const workdir = join(folder, 'workspaces', sessionId);
  await mkdir(workdir, { recursive: true });
  const tools = [...betaAgentToolset20260401({ workdir }), ...own.tools];
  const runner = client.beta.sessions.events.toolRunner(sessionId, { tools, maxIdleMs: MAX_IDLE_MS });
  for await (const call of runner) if (!call.posted) console.log(`${call.name}: not posted`);
}

const serving = sessionIds.map(serve);
console.log('runner ready');
await Promise.all(serving);
