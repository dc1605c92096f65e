/** The `.env` of the working folder, read in this one place, before a command looks at any setting. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { errorText } from '../error-text.ts';
import { CliError } from './failure.ts';

/** They bring an API and a Temporal of their own, or make the file: real credentials are none of their business. */
const WITHOUT = new Set(['demo', 'chaos', 'emulator', 'init']);

/** Has every command of the program begin with the folder's `.env`. */
export function useEnvFile(program: Command): void {
  program.hook('preAction', (_, command) => {
    const names = [command.name(), command.parent?.name() ?? ''];
    if (!names.some(name => WITHOUT.has(name))) loadEnvFile(process.cwd());
  });
}

/**
 * Sets what `.env` in this folder says, with Node's own loader; a variable that is set already stays as it is.
 *
 * @throws CliError for a file that cannot be read.
 */
export function loadEnvFile(folder: string): void {
  const file = join(folder, '.env');
  if (!existsSync(file)) return;
  try {
    process.loadEnvFile(file);
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${errorText(error)}; make it a readable file, or remove it`, 2);
  }
}
