import { errorLine } from '../error-text.ts';
import { CliError } from './failure.ts';

/** What was started on that address. @throws CliError where nothing can listen there. */
export async function listening<T>(
  { port, host }: { readonly port: number; readonly host: string },
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    throw new CliError(`cannot listen on ${host}:${port}: ${errorLine(error)}; choose another --port`, 1);
  }
}
