/** The straightforward program's activities of one call: the tool is run, and its result is posted. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { APIError } from '@anthropic-ai/sdk';
import { type BetaRunnableTool, runRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import type { EventSendParams } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import { betaAgentToolset20260401 } from '@anthropic-ai/sdk/tools/agent-toolset/node';
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { api } from './api.ts';
import type { ToolCall, ToolOutcome } from './messages.ts';

const BEAT_MS = 1_000;
const toolsets = new Map<string, Promise<readonly BetaRunnableTool[]>>();

/** A shell lives as long as the worker, so a session has one set of tools. */
function toolsOf(sessionId: string): Promise<readonly BetaRunnableTool[]> {
  const tools = toolsets.get(sessionId) ?? openTools(sessionId);
  toolsets.set(sessionId, tools);
  return tools;
}

async function openTools(sessionId: string): Promise<readonly BetaRunnableTool[]> {
  const workdir = join(process.env.WORKSPACES ?? '.', sessionId);
  await mkdir(workdir, { recursive: true });
  const own = (await import(pathToFileURL(process.env.TOOLS ?? '').href)) as {
    default: { tools: readonly BetaRunnableTool[] };
  };
  return [...betaAgentToolset20260401({ workdir }), ...own.default.tools];
}

/** Ends the shells, which would keep the process alive. */
export async function closeTools(): Promise<void> {
  for (const tools of toolsets.values()) for (const tool of await tools) await tool.close?.();
}

export async function runTool(sessionId: string, call: ToolCall): Promise<ToolOutcome> {
  const beat = setInterval(() => heartbeat(), BEAT_MS);
  try {
    const tool = (await toolsOf(sessionId)).find(({ name }) => name === call.name);
    if (tool === undefined) return { isError: true, content: `there is no tool ${call.name}` };
    const signal = cancellationSignal();
    // All three of the SDK's shapes of a call have the fields that tools look at.
    const toolUse = call as unknown as Parameters<typeof runRunnableTool>[2]['toolUse'];
    const outcome = await runRunnableTool(tool, call.input, { toolUse, toolUseBlock: toolUse, signal });
    signal.throwIfAborted();
    return outcome;
  } finally {
    clearInterval(beat);
  }
}

export async function post(sessionId: string, call: ToolCall, outcome: ToolOutcome): Promise<void> {
  const { isError, content } = outcome;
  // The API takes no empty text.
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content || '(no output)' }] : content;
  const id = call.type === 'agent.tool_use' ? 'tool_use_id' : 'custom_tool_use_id';
  const type = call.type === 'agent.tool_use' ? 'user.tool_result' : 'user.custom_tool_result';
  const event = { type, [id]: call.id, content: blocks, is_error: isError };
  try {
    await api().beta.sessions.events.send(sessionId, {
      events: [event as unknown as EventSendParams['events'][number]],
    });
  } catch (error) {
    // The call is closed: by an interrupt, or by an earlier attempt whose response was lost.
    if (!(error instanceof APIError) || error.status !== 400) throw error;
    console.error(`${call.id} was not taken: ${error.message}`);
  }
}
