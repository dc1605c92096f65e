import { relative, resolve } from 'node:path';
import { Command } from 'commander';
import { errorText } from '../error-text.ts';
import { CliError } from './failure.ts';
import { type Project, writeProject } from './init-project.ts';

export function initCommand(): Command {
  return new Command('init')
    .description('write a tools module, an .env and a package script into a folder; nothing is overwritten')
    .argument('[dir]', 'the folder, made where it is missing', '.')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', '\nExamples:\n  holdfast init\n  holdfast init my-agent')
    .action(init);
}

function init(dir: string, { json }: { readonly json?: boolean }): void {
  const folder = resolve(dir);
  const { lines, next } = projectIn(folder);
  if (json) {
    process.stdout.write(`${JSON.stringify({ folder, done: lines, next })}\n`);
    return;
  }
  const enter = relative(process.cwd(), folder);
  const [first, second] = next;
  const said = [
    ...lines,
    '',
    'Next (a key goes into .env; without an account, see there how to use the emulator):',
    `  ${enter === '' ? '' : `cd ${enter} && `}${first}`,
    `  ${second}`,
  ];
  process.stdout.write(`${said.join('\n')}\n`);
}

function projectIn(folder: string): Project {
  try {
    return writeProject(folder);
  } catch (error) {
    throw new CliError(`cannot write into ${folder}: ${errorText(error)}`, 1);
  }
}
