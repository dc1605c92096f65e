/** Entry of the short-lived process of `describeTools`: loads the module, reports on file descriptor 3, ends. */
import { readFileSync, writeSync } from 'node:fs';
import type { ServedTool } from '../session/served-tool.ts';
import { REPORT_FD } from './host-config.ts';
import { problemOfSchema } from './input-check.ts';
import { loadToolsModule } from './tools-module.ts';

export type DescribeReport =
  | { readonly kind: 'described'; readonly tools: readonly ServedTool[] }
  | { readonly kind: 'broken'; readonly message: string };

export interface DescribeConfig {
  readonly toolsModule: string;
  /** The environment of tools. */
  readonly env: Readonly<Record<string, string>>;
}

const { toolsModule, env } = JSON.parse(readFileSync(0, 'utf8')) as DescribeConfig;
Object.assign(process.env, env);
writeSync(REPORT_FD, `${JSON.stringify(await describe(toolsModule))}\n`);
process.exit(0);

async function describe(path: string): Promise<DescribeReport> {
  const loaded = await loadToolsModule(path);
  if (loaded.kind === 'broken') return loaded;
  for (const { served, implementation } of loaded.tools) {
    const schema =
      implementation.kind === 'program'
        ? implementation.program.inputSchema
        : implementation.tool.input_schema;
    const problem = await problemOfSchema(schema);
    if (problem !== undefined) {
      const message = `the tools module ${path} has a bad input schema for "${served.name}": ${problem}`;
      return { kind: 'broken', message };
    }
  }
  return { kind: 'described', tools: loaded.tools.map(tool => tool.served) };
}
