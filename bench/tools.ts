/** The tools that every peer serves, beside the agent toolset. A tools module for Holdfast; Python has its own. */
import { setTimeout as sleep } from 'node:timers/promises';

const number = (name: string) => ({ [name]: { type: 'integer' } });

export default {
  tools: [
    tool('noop', 'does nothing', {}, () => 'done'),
    tool('pause', 'takes its time', number('ms'), async ({ ms = 0 }) => {
      await sleep(ms);
      return 'rested';
    }),
    tool('answer', 'answers much', number('bytes'), ({ bytes = 0 }) => 'x'.repeat(bytes)),
  ],
};

/** Plain objects, not the SDK's helpers: a thread that loads them is up at once. */
function tool(
  name: string,
  description: string,
  properties: Readonly<Record<string, object>>,
  run: (input: Readonly<Record<string, number>>) => string | Promise<string>,
) {
  const input_schema = { type: 'object', properties, required: Object.keys(properties) } as const;
  return { type: 'custom', name, description, input_schema, run, parse: (input: unknown) => input } as const;
}
