/**
 * Entry of the thread that speaks with one MCP server: what the server sends is read here and not on the thread that
 * serves socket and journal (I12). The server starts with the first call of one of its tools, and anew when it died.
 */
import { setImmediate } from 'node:timers/promises';
import { textBlock, toContent } from '../session/answers.ts';
import { enterCell, onMessage, tell as tellHost } from './cell-port.ts';
import { checkSchema } from './input-check.ts';
import { McpConnection } from './mcp-connection.ts';
import type { FromMcpThread, McpThreadData, ToMcpThread } from './mcp-protocol.ts';
import { boundResult } from './result-size.ts';
import { messageOf } from './tools-module.ts';

type Call = Extract<ToMcpThread, { kind: 'call' }>;

const data = await enterCell<McpThreadData>();
const { workspace: cwd, env, commandPrefix, abortGraceMs, maxResultBytes } = data;
const running = new Map<string, AbortController>();
/** With other calls on it, a server that is merely slow must not be ended for the cancelled one. */
const SHARED_GRACE = 3;

let connection: McpConnection | undefined;
let starting: Promise<McpConnection> | undefined;

onMessage<ToMcpThread>(message => void obey(message));

async function obey(message: ToMcpThread): Promise<void> {
  switch (message.kind) {
    case 'list':
      return tell(await list());
    case 'call': {
      const answered = await run(message);
      // What the server printed before it answered may stand unread in its other pipe: it belongs to this call.
      await setImmediate();
      return tell(answered);
    }
    case 'abort':
      return running.get(message.id)?.abort();
    case 'end':
      await (await starting?.catch(() => undefined))?.end();
      await connection?.end();
      return tell({ kind: 'ended' });
  }
}

function connected(): Promise<McpConnection> {
  if (connection?.open === true) return Promise.resolve(connection);
  starting ??= start().finally(() => {
    starting = undefined;
  });
  return starting;
}

async function start(): Promise<McpConnection> {
  const { startMs } = data.server;
  const made = new McpConnection(data.server, {
    ...{ cwd, env, commandPrefix, startMs },
    onOutput: chunk => tell({ kind: 'output', latin1: chunk.toString('latin1') }),
    onGroup: leader => tell({ kind: 'group', leader }),
  });
  await made.start();
  connection = made;
  return made;
}

async function list(): Promise<FromMcpThread> {
  try {
    return { kind: 'listed', tools: await (await connected()).list() };
  } catch (error) {
    return { kind: 'unlisted', problem: messageOf(error) };
  }
}

async function run({ id, tool, input }: Call): Promise<FromMcpThread> {
  const controller = new AbortController();
  const { signal } = controller;
  running.set(id, controller);
  try {
    const checked = await checkSchema(tool.name, tool.inputSchema, input);
    if (checked.kind === 'invalid') return answer(id, true, checked.message);
    const server = await orAborted(connected(), signal);
    return answer(id, false, await orAborted(server.call(tool, checked.input, signal), signal));
  } catch (error) {
    if (signal.aborted) return await cancelled(id);
    const own = error instanceof Error && error.name === 'ToolError' && 'content' in error;
    return answer(id, true, own ? error.content : `Error: ${messageOf(error)}`);
  } finally {
    running.delete(id);
  }
}

/** A server may heed the cancellation or not, and says neither; but one that is stuck in the call does not answer. */
async function cancelled(id: string): Promise<FromMcpThread> {
  const grace = running.size > 1 ? abortGraceMs * SHARED_GRACE : abortGraceMs;
  if (connection?.open === true) await connection.check(grace);
  const how = connection?.open === true ? 'was told to cancel the call' : 'was ended';
  tell({ kind: 'output', latin1: `[the MCP server ${how}]\n` });
  return answer(id, true, `Error: the MCP server ${how}`);
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error('the call was stopped'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function answer(id: string, isError: boolean, returned: unknown): FromMcpThread {
  const mapped = toContent(boundResult(returned, maxResultBytes));
  const content = mapped.kind === 'content' ? mapped.content : [textBlock(`Error: ${mapped.reason}`)];
  const failed = isError || mapped.kind !== 'content';
  return { kind: 'answer', id, isError: failed, contentJson: JSON.stringify(content) };
}

function tell(message: FromMcpThread): void {
  tellHost(message);
}
