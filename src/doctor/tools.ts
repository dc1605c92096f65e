/** Whose rights tools have, and whether the user's own ones can be served. */
import type { Config } from '../config.ts';
import { BUILTIN_TOOLS } from '../tool-host/builtin-tools.ts';
import { describeTools } from '../tool-host/describe.ts';
import { isolateTools, toolIsolation } from '../tool-isolation.ts';
import { broken, type Finding, ok, skipped, warning } from './finding.ts';

const SECURITY = 'see docs/security.md';

export async function lookAtTools(config: Config): Promise<readonly Finding[]> {
  const { kind, line, mend } = await toolIsolation(config);
  switch (kind) {
    case 'none':
      return [warning('isolation', line, mend ?? SECURITY), await ownTools(config)];
    case 'broken':
      return [
        broken('isolation', line, mend ?? SECURITY),
        skipped('tools', 'not loaded, as they would run with other rights'),
      ];
    case 'isolated':
      return [
        mend === undefined ? ok('isolation', line) : warning('isolation', line, mend),
        await ownTools(config),
      ];
  }
}

/** The module is the user's code: it is loaded with the rights that its tools will have. */
async function ownTools(config: Config): Promise<Finding> {
  const { toolsModule } = config;
  const check = 'tools';
  if (toolsModule === undefined)
    return ok(check, `${BUILTIN_TOOLS.length} built in, none of your own (HOLDFAST_TOOLS)`);
  const isolated = await isolateTools(config);
  if (isolated.kind === 'unusable') return skipped(check, 'not loaded, as they would run with other rights');
  const { toolUser, toolEnv } = isolated;
  const described = await describeTools({ toolsModule, toolUser, toolEnv });
  if (described.kind === 'broken')
    return broken(check, described.message, 'correct it, or HOLDFAST_TOOLS; the worker does not start so');
  const builtin = new Set(BUILTIN_TOOLS.map(({ name }) => name));
  const own = described.tools.flatMap(({ name }) => (builtin.has(name) ? [] : [name]));
  const shown = own.length > 8 ? `${own.slice(0, 8).join(', ')}, …` : own.join(', ');
  return ok(check, `${builtin.size} built in, ${own.length} of your own: ${shown}`);
}
