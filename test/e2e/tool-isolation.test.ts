/**
 * What a tool can do to a deployment that runs: everything without a setting, nothing of it with them. The same
 * commands each time, so that a refusal is known to be one.
 */
import { chmodSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { toolCommand } from '../../src/tool-settings.ts';
import { aloud, problemHere, TOOL_USER } from '../tool-host/tool-user-here.ts';
import { textsOf } from './support/answers.ts';
import { type World, world } from './support/world.ts';

const DOCUMENT = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
const BUBBLEWRAP = /export HOLDFAST_TOOL_COMMAND='([^']+)'/.exec(DOCUMENT)?.[1] ?? '';
const userProblem = aloud(await problemHere());
const commandProblem = aloud(
  await problemHere({ toolUser: TOOL_USER, toolCommand: toolCommand(BUBBLEWRAP) }),
);

/** One line each: what was reached, or that it was not. */
async function reached(w: World, env: Readonly<Record<string, string>>): Promise<string[]> {
  const worker = w.run(['worker'], env);
  await worker.says('worker ready');
  const other = w.session([{ call: 'write', input: { file_path: 'file', content: 'of the other\n' } }]);
  await (await w.begin(other.id)).result();
  const [host = '', port = ''] = (w.env.TEMPORAL_ADDRESS ?? '').split(':');
  const commands = [
    `tr '\\0' '\\n' < /proc/${worker.pid}/environ | grep -o ANTHROPIC_API_KEY=test-key`,
    `head -c 1 ${w.stateDir}/host-id && echo ' its state'`,
    `ls ${w.stateDir}/run | grep -q sock && echo sockets`,
    `cat ${w.stateDir}/sessions/${other.id}*/workspace/file`,
    `cat ../../*/workspace/file`,
    `ls ../journal/calls > /dev/null && echo journal`,
    `: < /dev/tcp/${host}/${port} && echo Temporal`,
    'echo mine > file; cat file',
  ];
  const command = commands.map(each => `( ${each} ) 2> /dev/null || echo refused`).join('\n');
  const session = w.session([{ call: 'bash', input: { command } }]);
  await (await w.begin(session.id)).result();
  expect((await worker.end('SIGTERM')).code).toBe(0);
  return textsOf(session).flatMap(text => text.split('\n'));
}

it('the key in its environment, its state, other workspaces and Temporal are open to tools, until they are isolated', async context => {
  const w = await world(context);
  chmodSync(w.folder, 0o711);
  expect(await reached(w, {})).toEqual([
    'ANTHROPIC_API_KEY=test-key',
    '{ its state',
    'sockets',
    'of the other',
    'of the other',
    'journal',
    'Temporal',
    'mine',
  ]);
  const asUser = { HOLDFAST_TOOL_USER: 'nobody', HOLDFAST_STATE_DIR: w.stateDir };
  if (userProblem !== undefined) return refused(w, asUser, userProblem);
  expect(await reached(w, asUser)).toEqual([...Array(6).fill('refused'), 'Temporal', 'mine']);
  const behind = { ...asUser, HOLDFAST_TOOL_COMMAND: BUBBLEWRAP };
  if (commandProblem !== undefined) return refused(w, behind, commandProblem);
  expect(await reached(w, behind)).toEqual([...Array(7).fill('refused'), 'mine']);
});

/** A worker that cannot keep what a setting promises does not begin. */
async function refused(w: World, env: Readonly<Record<string, string>>, why: string): Promise<void> {
  const { code, stderr } = await w.run(['worker'], env).exit;
  expect(stderr).toContain(why.slice(0, 60));
  expect(code).toBe(2);
}
