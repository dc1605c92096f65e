import { resolve } from 'node:path';
import { Command } from 'commander';
import { readConfig } from '../config.ts';
import { errorLine } from '../error-text.ts';
import type { Lock } from '../session/locks.ts';
import { oneLine } from '../session/summary.ts';
import { BUILTIN_TOOLS } from '../tool-host/builtin-tools.ts';
import { type InspectedTool, inspectTools, missingPrograms } from '../tool-host/inspect.ts';
import { isolateTools } from '../tool-isolation.ts';
import { CliError } from './failure.ts';
import { table } from './table.ts';

interface ToolsFlags {
  readonly check?: boolean;
  readonly json?: boolean;
}

export function toolsCommand(): Command {
  return new Command('tools')
    .description('list the tools that would be served, and all that is wrong with the tools module')
    .argument('[file]', 'the tools module; by default the one of HOLDFAST_TOOLS')
    .option('--check', 'look for the programs of exec tools as well; exit 1 with a line for each fault')
    .option('--json', 'print one object: module, tools with their schemas, problems')
    .addHelpText(
      'after',
      '\nThe module is loaded, and its MCP servers are started, as a worker would do it; no tool is run.\n' +
        '\nExamples:\n  holdfast tools --check\n  holdfast tools --check ./tools.ts\n' +
        '  holdfast tools --json ./tools.ts',
    )
    .action(tools);
}

interface Row extends Pick<InspectedTool, 'description' | 'inputSchema'> {
  readonly name: string;
  readonly kind: InspectedTool['kind'] | 'built-in';
  readonly timeoutMs: number;
  readonly idempotent: boolean;
  readonly locks: readonly Lock[];
}

async function tools(file: string | undefined, flags: ToolsFlags): Promise<void> {
  const config = readConfig();
  const toolsModule = file === undefined ? config.toolsModule : resolve(file);
  const isolated = await isolateTools({ ...config, toolsModule });
  if (isolated.kind === 'unusable') throw new CliError(isolated.problem, 2);
  const { toolUser, toolEnv } = isolated;
  const options = { toolEnv, toolUser, toolCommand: config.toolCommand };
  const rows: Row[] = BUILTIN_TOOLS.map(tool => ({
    ...tool,
    kind: 'built-in',
    description: '',
    inputSchema: null,
  }));
  const problems: string[] = [];
  if (toolsModule !== undefined) {
    const report = await inspectTools({ ...options, toolsModule });
    for (const { served, kind, description, inputSchema } of report.tools)
      rows.push({ ...served, kind, description, inputSchema });
    problems.push(...report.problems);
    if (flags.check) problems.push(...(await missingPrograms(report, { toolsModule, toolEnv })));
  }
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ module: toolsModule ?? null, tools: rows, problems })}\n`);
  } else {
    process.stdout.write(`${listing(rows)}\n`);
    if (toolsModule === undefined)
      process.stdout.write('no tools module: name a file, or set HOLDFAST_TOOLS\n');
  }
  for (const problem of problems) process.stderr.write(`holdfast: ${errorLine(problem)}\n`);
  if (problems.length > 0) process.exitCode = 1;
}

function listing(rows: readonly Row[]): string {
  const head = ['NAME', 'KIND', 'TIMEOUT', 'IDEMPOTENT', 'LOCKS', 'DESCRIPTION'];
  const cells = rows.map(row => [
    oneLine(row.name),
    row.kind,
    row.timeoutMs % 1_000 === 0 ? `${row.timeoutMs / 1_000}s` : `${row.timeoutMs}ms`,
    row.idempotent ? 'yes' : 'no',
    row.locks.map(lockText).join(', ') || '–',
    short(row.description),
  ]);
  return table(head, cells);
}

function lockText(lock: Lock): string {
  const what = 'resource' in lock ? lock.resource : `<${lock.pathFrom}>`;
  return lock.mode === 'shared' ? `${what} (shared)` : what;
}

const WIDTH = 60;

/** An MCP server's words, which must not move the cursor. */
function short(text: string): string {
  const line = oneLine(text);
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 1)}…`;
}
