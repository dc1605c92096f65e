/**
 * Entry of a tools thread, or of a tools process under a tool user: the only place, beside the process of
 * `describeTools`, where user code runs. One call at a time. Whatever a tool does here (throws, loops, exits, fills its heap) costs this thread and this call (I12).
 */
import { type ContentBlock, textBlock, toContent } from '../session/answers.ts';
import { enterCell, onMessage, tell as tellHost } from './cell-port.ts';
import { checkSchema, checkToolInput } from './input-check.ts';
import type { ModuleTool, RunnableTool } from './module-entry.ts';
import { pinSources } from './module-source.ts';
import type { MountRoots } from './mount-protocol.ts';
import { boundResult } from './result-size.ts';
import type { FromThread, ThreadData, ToThread } from './thread-protocol.ts';
import { firstProblem, loadToolsModule, messageOf } from './tools-module.ts';

type Run = Extract<ToThread, { kind: 'run' }>;

const FLUSH_MS = 50;

const data = await enterCell<ThreadData>();
const modules = new Map<string, ModuleTool>();
let fileTools: Map<string, RunnableTool> | undefined;
let controller = new AbortController();
const fileContext: { workdir: string; allowedRoots: string[]; readOnlyRoots: string[] } = {
  workdir: data.workspace,
  allowedRoots: [],
  readOnlyRoots: [],
};

if (data.source !== undefined) pinSources(data.source);
const loaded =
  data.toolsModule === undefined
    ? ({ kind: 'loaded', tools: [], servers: [] } as const)
    : await loadToolsModule(data.toolsModule);
if (loaded.kind === 'broken') {
  tell({ kind: 'broken', message: firstProblem(loaded.problems) });
} else {
  for (const tool of loaded.tools) modules.set(tool.served.name, tool);
  const programs = loaded.tools.flatMap(({ served, implementation }) =>
    implementation.kind === 'program' ? [[served.name, implementation.program] as const] : [],
  );
  onMessage<ToThread>(message => void obey(message));
  tell({
    kind: 'ready',
    tools: loaded.tools.map(tool => tool.served),
    programs: Object.fromEntries(programs),
    servers: loaded.servers,
  });
}

async function obey(message: ToThread): Promise<void> {
  switch (message.kind) {
    case 'run':
      return tell(await run(message));
    case 'abort':
      return controller.abort();
    case 'close':
      return tell({ kind: 'closed', failures: await runCloseHooks() });
  }
}

async function run(call: Run): Promise<FromThread> {
  controller = new AbortController();
  // Inherited by what the tool starts, so that a stop finds it.
  process.env.HOLDFAST_CALL = call.callMark;
  try {
    return await runTool(call, controller.signal);
  } catch (error) {
    return answer(true, errorContent(error));
  } finally {
    delete process.env.HOLDFAST_CALL;
    await flushOutput();
  }
}

async function runTool(call: Run, signal: AbortSignal): Promise<FromThread> {
  const implementation = modules.get(call.name)?.implementation;
  if (implementation?.kind === 'program') {
    const checked = await checkSchema(call.name, implementation.program.inputSchema, call.input);
    return checked.kind === 'valid' ? { kind: 'run-program' } : answer(true, [textBlock(checked.message)]);
  }
  const tool = implementation?.tool ?? (await fileTool(call.name, call.roots));
  if (tool === undefined) return answer(true, [textBlock(`Error: no tool named ${call.name}`)]);
  const checked = await checkToolInput(tool, call.input);
  if (checked.kind === 'invalid') return answer(true, [textBlock(checked.message)]);
  const toolUse = { id: call.id, name: call.name, input: call.input, type: call.type };
  const returned: unknown = await tool.run(checked.input, { toolUse, toolUseBlock: toolUse, signal });
  const mapped = toContent(boundResult(returned, data.maxResultBytes));
  return mapped.kind === 'content'
    ? answer(false, mapped.content)
    : answer(true, [textBlock(`Error: ${mapped.reason}`)]);
}

/** The SDK's file tools, imported by the first call that wants one: most threads never do. */
async function fileTool(name: string, roots: MountRoots): Promise<RunnableTool | undefined> {
  // The SDK's tools read both at each check.
  fileContext.allowedRoots = [...roots.allowed];
  fileContext.readOnlyRoots = [...roots.readOnly];
  if (fileTools === undefined) {
    const { betaAgentToolset20260401 } = await import('@anthropic-ai/sdk/tools/agent-toolset/node');
    const tools = betaAgentToolset20260401(fileContext);
    fileTools = new Map(tools.map(tool => [tool.name, tool as unknown as RunnableTool]));
  }
  return name === 'bash' ? undefined : fileTools.get(name);
}

/** A `ToolError`'s own content (the user's SDK may be another copy, so by name), else `Error: <message>`. */
function errorContent(error: unknown): ContentBlock[] {
  if (error instanceof Error && error.name === 'ToolError' && 'content' in error) {
    const mapped = toContent(boundResult(error.content, data.maxResultBytes));
    if (mapped.kind === 'content') return mapped.content;
  }
  const mapped = toContent(boundResult(`Error: ${messageOf(error)}`, data.maxResultBytes));
  return mapped.kind === 'content' ? mapped.content : [textBlock('Error')];
}

async function runCloseHooks(): Promise<string[]> {
  const failures: string[] = [];
  for (const { served, implementation } of modules.values()) {
    if (implementation.kind !== 'function' || implementation.tool.close === undefined) continue;
    try {
      await implementation.tool.close();
    } catch (error) {
      failures.push(`${served.name}: ${messageOf(error)}`);
    }
  }
  return failures;
}

/** What the tool printed goes before its answer, so that the log is whole when the call ends. */
async function flushOutput(): Promise<void> {
  const deadline = performance.now() + FLUSH_MS;
  const pending = (): number => process.stdout.writableLength + process.stderr.writableLength;
  while (pending() > 0 && performance.now() < deadline) await new Promise(resolve => setImmediate(resolve));
}

function answer(isError: boolean, content: readonly ContentBlock[]): FromThread {
  return { kind: 'answer', isError, contentJson: JSON.stringify(content) };
}

function tell(message: FromThread): void {
  tellHost(message);
}
