/** A local MCP server for the tests: tools that behave, and one for each way in which a server may not. */
import { appendFileSync, closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

const server = new McpServer({ name: 'fixture', version: '1.0.0' });
const anything = z.object({});
const aFile = z.object({ file: z.string() });
const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] });
/** Past the transport. */
const print = (bytes: string | Buffer) => new Promise(resolve => process.stdout.write(bytes, resolve));

appendFileSync(process.argv[2] ?? '/dev/null', `${process.pid} ${process.cwd()}\n`);

server.registerTool(
  'add',
  { description: 'adds two numbers', inputSchema: z.object({ a: z.number(), b: z.number() }) },
  ({ a, b }) => text(`${a + b}`),
);
let counted = 0;
server.registerTool('count', { description: 'counts its calls', inputSchema: anything }, () => {
  counted += 1;
  return text(`${counted}`);
});
server.registerTool('surroundings', { description: 'what it sees', inputSchema: anything }, () =>
  text(JSON.stringify({ env: process.env, cwd: process.cwd() })),
);
server.registerTool('fails', { description: 'says that it failed', inputSchema: anything }, () => {
  console.error('about to fail');
  return { ...text('no such city'), isError: true };
});
server.registerTool('kinds', { description: 'every kind of content', inputSchema: anything }, () => ({
  content: [
    { type: 'text', text: 'words' },
    { type: 'image', data: 'AAAA', mimeType: 'image/png' },
    { type: 'audio', data: 'AAAA', mimeType: 'audio/mpeg' },
    { type: 'resource_link', name: 'log', uri: 'file:///var/log/x' },
    { type: 'resource', resource: { uri: 'file:///a.json', mimeType: 'application/json', text: '{}' } },
  ],
}));
server.registerTool(
  'waits',
  { description: 'heeds a cancellation', inputSchema: aFile },
  async ({ file }, context) => {
    appendFileSync(file, 'begun\n');
    await sleep(60_000, undefined, { signal: context.mcpReq.signal }).catch(() =>
      appendFileSync(file, 'cancelled\n'),
    );
    return text('woke');
  },
);
server.registerTool(
  'stuck',
  { description: 'never answers anything again', inputSchema: aFile },
  ({ file }) => {
    appendFileSync(file, 'begun\n');
    for (;;);
  },
);
server.registerTool('dies', { description: 'ends its process', inputSchema: anything }, () => {
  console.error('out of cheese');
  process.exit(3);
});
server.registerTool(
  'deaf',
  { description: 'closes its input, and goes on', inputSchema: aFile },
  async ({ file }) => {
    process.stdin.destroy();
    // Which leaves the descriptor open.
    closeSync(0);
    await sleep(50);
    appendFileSync(file, 'deaf\n');
    await sleep(300_000);
    return text('never');
  },
);
server.registerTool(
  'nonsense',
  { description: 'answers what is no answer', inputSchema: anything },
  async (_, context) => {
    await print(`{"jsonrpc":"2.0","id":${JSON.stringify(context.mcpReq.id)},"result":"not an object"}\n`);
    await sleep(300_000);
    return text('never');
  },
);
server.registerTool(
  'chatter',
  { description: 'prints what is no message, then answers', inputSchema: anything },
  async () => {
    await print('Listening on port 3000\n{"half": \n\u0000\u0001\n');
    return text('done');
  },
);
server.registerTool(
  'binary',
  { description: 'prints bytes without end', inputSchema: anything },
  async () => {
    const block = Buffer.alloc(1024 * 1024, 0xfe);
    for (;;) await print(block);
  },
);
server.registerTool(
  'orphan',
  { description: 'leaves a process behind', inputSchema: aFile },
  async ({ file }) => {
    const { spawn } = await import('node:child_process');
    spawn('setsid', ['sh', '-c', `echo $$ > '${file}'; exec sleep 300`], {
      stdio: 'ignore',
      detached: true,
    }).unref();
    return text('left');
  },
);

await server.connect(new StdioServerTransport());
