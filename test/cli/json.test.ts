import { readdirSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { adoptCommand } from '../../src/cli/adopt.ts';
import { approvalsCommand } from '../../src/cli/approvals.ts';
import { chaosCommand } from '../../src/cli/chaos.ts';
import { demoCommand } from '../../src/cli/demo.ts';
import { doctorCommand } from '../../src/cli/doctor.ts';
import { emulatorCommand } from '../../src/cli/emulator.ts';
import { healthCommand } from '../../src/cli/health.ts';
import { initCommand } from '../../src/cli/init.ts';
import { listCommand } from '../../src/cli/list.ts';
import { logsCommand } from '../../src/cli/logs.ts';
import { replayCommand } from '../../src/cli/replay.ts';
import { setupCommand } from '../../src/cli/setup.ts';
import { showCommand } from '../../src/cli/show.ts';
import { startCommand } from '../../src/cli/start.ts';
import { stopCommand } from '../../src/cli/stop.ts';
import { toolsCommand } from '../../src/cli/tools.ts';
import { watchCommand } from '../../src/cli/watch.ts';

/** All but those that serve until they are ended (`up`, `worker`, `webhook`): they write logs. */
const commands: readonly Command[] = [
  adoptCommand(),
  ...approvalsCommand().commands,
  chaosCommand(),
  demoCommand(),
  doctorCommand(),
  emulatorCommand(),
  healthCommand(),
  initCommand(),
  listCommand(),
  logsCommand(),
  replayCommand(),
  setupCommand(),
  showCommand(),
  startCommand(),
  stopCommand(),
  toolsCommand(),
  watchCommand(),
];

it.each(commands.map(command => [command.name(), command] as const))(
  '%s has --json, for programs',
  (_, command) => {
    expect(command.options.map(option => option.long)).toContain('--json');
  },
);

it('every command that there is can be typed', () => {
  const folder = new URL('../../src/cli/', import.meta.url);
  const main = readFileSync(new URL('../cli.ts', folder), 'utf8');
  const made = readdirSync(folder).flatMap(file =>
    [
      ...readFileSync(new URL(file, folder), 'utf8').matchAll(/^export function (\w+Command)\(\): Command/gm),
    ].map(([, name = '']) => name),
  );
  expect(made.length).toBeGreaterThan(20);
  expect(made.filter(name => !main.includes(`.addCommand(${name}())`))).toEqual([]);
});
