/** A local MCP server: notes in a file of the session's workspace. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const FILE = 'notes.txt';
const server = new McpServer({ name: 'notes', version: '1.0.0' });
const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] });

server.registerTool(
  'add',
  { description: 'Adds a note', inputSchema: z.object({ note: z.string() }) },
  ({ note }) => {
    appendFileSync(FILE, `${note}\n`);
    return text('noted');
  },
);

server.registerTool('list', { description: 'Lists the notes', inputSchema: z.object({}) }, () =>
  text(existsSync(FILE) ? readFileSync(FILE, 'utf8') : 'no notes yet'),
);

await server.connect(new StdioServerTransport());
