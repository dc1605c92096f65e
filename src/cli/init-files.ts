/** What `holdfast init` writes. */

export const TOOLS = `import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';

// Give the agent a custom tool of the same name and schema: \`holdfast tools --json\` prints them.
const wordCount = betaTool({
  name: 'word_count',
  description: 'How many words a text has',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  run: async ({ text }) => \`\${text.split(/\\s+/).filter(word => word !== '').length} words\`,
});

export default {
  tools: [
    // idempotent: a call whose end is unknown may be run again.
    { tool: wordCount, timeoutMs: 30_000, idempotent: true },

    // A program in any language: the input as JSON on standard input, the result on standard output.
    // { exec: 'python3', args: [\`\${import.meta.dirname}/tool.py\`], name: 'in_python', description: '…',
    //   inputSchema: { type: 'object' } },

    // The tools of a local MCP server.
    // { mcp: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-everything'] }, prefix: 'demo_' },
  ],
};
`;

export const ENV = `# Settings of holdfast: every command that is started in this folder reads them. A variable that is set already wins.
# Not for version control: .gitignore names this file.

# The tools that are served, beside bash and the file tools.
HOLDFAST_TOOLS=./tools.ts

# The API key; or, for a self-hosted environment, its id and its key.
ANTHROPIC_API_KEY=
# ANTHROPIC_ENVIRONMENT_ID=
# ANTHROPIC_ENVIRONMENT_KEY=

# Without an account: any key above, this line, and in another terminal: npx holdfast emulator --port 8787
# (it makes sessions: curl -s http://127.0.0.1:8787/_emulator/sessions -d '{"message":"go"}')
# ANTHROPIC_BASE_URL=http://127.0.0.1:8787

# A Temporal server of your own. Without it, holdfast up starts one.
# TEMPORAL_ADDRESS=127.0.0.1:7233
# TEMPORAL_NAMESPACE=default

# What tools may see of the environment, beside PATH, HOME and the like.
# HOLDFAST_TOOL_ENV=GITHUB_TOKEN,DATABASE_URL
`;

export const SCRIPT_NAME = 'holdfast';
export const SCRIPT = 'holdfast up';

export interface Dependencies {
  readonly [name: string]: string;
}

/** @param node brings a Node of its own where the machine's may be too old. */
export function packageJson(name: string, dependencies: Dependencies, node: string | undefined): string {
  const content = {
    name,
    private: true,
    type: 'module',
    ...(node === undefined ? { engines: { node: '>=22.18' } } : {}),
    scripts: { [SCRIPT_NAME]: SCRIPT },
    dependencies,
    ...(node === undefined ? {} : { devDependencies: { node }, allowScripts: { node: true } }),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** The file with the script in it, its indentation kept; or why it is left alone. */
export function withScript(text: string): { readonly text: string } | { readonly why: string } {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return { why: 'it is not JSON' };
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    return { why: 'it is no package' };
  const { scripts = {} } = content as { scripts?: unknown };
  if (typeof scripts !== 'object' || scripts === null) return { why: 'its scripts are no object' };
  if (SCRIPT_NAME in scripts) return { why: `it has a script "${SCRIPT_NAME}"` };
  const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? '  ';
  const changed = { ...content, scripts: { ...scripts, [SCRIPT_NAME]: SCRIPT } };
  return { text: `${JSON.stringify(changed, null, indent)}\n` };
}
