/** The files of examples/, run as a reader of them would, and their servers as browsers meet them. */
import { fileURLToPath } from 'node:url';
import { HoldfastProcess } from './holdfast-process.ts';
import type { World } from './world.ts';

export const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));

/** `npm run example examples/NAME.ts ARGS`. */
export function example(
  world: World,
  name: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): HoldfastProcess {
  const program = ['--conditions=holdfast-source', `${EXAMPLES}${name}.ts`];
  const made = new HoldfastProcess(args, { ...world.env, ...env }, world.folder, program);
  world.processes.push(made);
  return made;
}

/** Starts an example that listens; its address. */
export async function listening(
  world: World,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; end(): Promise<unknown> }> {
  const made = await example(world, name, [], { ...env, PORT: '0' }).says('listening at ');
  const url = /listening at (\S+)/.exec(made.stdout)?.[1] ?? '';
  return { url, end: () => made.end('SIGTERM') };
}

export interface ServerSent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

/** Server-sent events until the server ends them, or until `enough`; then the connection is cut. */
export async function serverSent(
  url: string,
  options: { readonly after?: string; readonly enough?: (event: ServerSent) => boolean } = {},
): Promise<ServerSent[]> {
  const headers = options.after === undefined ? {} : { 'last-event-id': options.after };
  const left = new AbortController();
  const { body, status } = await fetch(url, { headers, signal: left.signal });
  if (status !== 200 || body === null) throw new Error(`${url} answered ${status}`);
  const events: ServerSent[] = [];
  let text = '';
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + part).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
      const event = { event: field('event') ?? '', id: field('id'), data: JSON.parse(field('data') ?? '{}') };
      events.push(event);
      if (options.enough?.(event)) {
        left.abort();
        return events;
      }
    }
  }
  return events;
}
