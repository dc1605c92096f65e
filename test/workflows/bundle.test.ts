import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { failureConverterPath } from '../../src/data-converter.ts';
import { workflowSources } from '../../src/workflow-bundle.ts';

it('the workflow bundle holds no Node built-in, no SDK and no zod, so it stays deterministic and small', async () => {
  // Temporal's bundler refuses Node built-ins by itself, naming the module that imports them.
  const { code } = await bundleWorkflowCode({
    ...workflowSources(),
    failureConverterPath: failureConverterPath(),
    logger: new DefaultLogger('ERROR'),
  });
  const modules = new Set(
    [...code.matchAll(/"\.\/(node_modules\/(?:@[^/"]+\/)?[^/"]+|src\/[^"]+)/g)].map(m => m[1]),
  );
  expect([...modules]).toContain('src/session/evolve.ts');
  expect([...modules]).toContain('src/workflows/read-ahead.ts');
  const packages = [...modules].filter(name => name?.startsWith('node_modules/'));
  expect(packages).toContain('node_modules/@temporalio/workflow');
  expect(packages.filter(name => /anthropic|zod|ajv|hono|commander/.test(name ?? ''))).toEqual([]);
  const ours = [...modules].filter(name => name?.startsWith('src/'));
  expect(
    ours.filter(
      name => !/^src\/(session|workflows)\/|^src\/(search-attributes|encoded-failures)\.ts$/.test(name ?? ''),
    ),
  ).toEqual([]);
});
