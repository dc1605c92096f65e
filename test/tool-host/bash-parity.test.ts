import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { betaBashTool } from '@anthropic-ai/sdk/tools/agent-toolset/node';
import { describe, expect, test } from 'vitest';
import { textBlock } from '../../src/session/answers.ts';
import { BashTool } from '../../src/tool-host/bash.ts';
import { OutputLog } from '../../src/tool-host/output-log.ts';
import { toolEnv, useHosts } from './hosts.ts';

const hosts = useHosts();

interface Told {
  readonly isError: boolean;
  readonly text: string;
}

/** What the SDK's tool tells for each input, one shell for all of them. */
async function askSdk(inputs: readonly object[]): Promise<Told[]> {
  const workdir = join(hosts.stateDir, 'sdk');
  await mkdir(workdir, { recursive: true });
  const tool = betaBashTool({ workdir, env: toolEnv() });
  const told: Told[] = [];
  for (const input of inputs) {
    try {
      const text = String(await tool.run(tool.parse(input)));
      told.push({ isError: false, text: blockText(text) });
    } catch (error) {
      told.push({ isError: true, text: blockText(error instanceof Error ? error.message : String(error)) });
    }
  }
  await tool.close?.();
  return told.map((each, index) => normal(each, index, workdir));
}

/** What ours tells, without a host around it. */
async function askOurs(inputs: readonly object[]): Promise<Told[]> {
  const workspace = join(hosts.stateDir, 'ours');
  const tool = new BashTool({
    workspace,
    env: toolEnv(),
    commandPrefix: [],
    owner: undefined,
    timeoutMs: 120_000,
    onShell: () => {},
  });
  const told: Told[] = [];
  for (const [index, input] of inputs.entries()) {
    const { isError, contentJson } = await tool.run({
      id: `call_${index}`,
      name: 'bash',
      input,
      type: 'agent.tool_use',
      log: new OutputLog(join(hosts.stateDir, 'output.log'), 1_000_000),
      signal: new AbortController().signal,
      onGroup: () => {},
    });
    const text = (JSON.parse(contentJson) as { text: string }[]).map(block => block.text).join('\n');
    told.push(normal({ isError, text }, index, workspace));
  }
  tool.close();
  return told;
}

/** Bash counts the lines it was fed, so only in a shell's first command are they the command's own. */
function normal(told: Told, index: number, workspace: string): Told {
  const text = told.text.replaceAll(workspace, 'WORKSPACE');
  return { ...told, text: index === 0 ? text : text.replace(/(bash: (?:eval: )?line) \d+:/g, '$1 N:') };
}

function blockText(text: string): string {
  const block = textBlock(text);
  return block.type === 'text' ? block.text : '';
}

const run = (command: string, extra: object = {}) => ({ command, ...extra });

describe('the same command tells the same through the SDK and through us', () => {
  test.each<[string, object[]]>([
    ['output', [run('echo hello'), run('printf "no newline"'), run('echo; echo; echo a; echo; echo')]],
    ['no output', [run('true'), run('echo')]],
    ['standard error', [run('echo out; echo err >&2'), run('ls /no/such/file')]],
    ['exit codes', [run('(exit 3)'), run('false'), run('echo said; (exit 4)'), run('no-such-command')]],
    ['an unknown command on a later line', [run('echo a\nno-such-command\necho b')]],
    ['state over calls', [run('cd /; X=5; f() { echo f$X; }'), run('pwd; f; export Y=7'), run('echo $Y')]],
    [
      'restart',
      [run('cd /; X=5'), { restart: true }, run('pwd; echo "x$X"'), run('echo $X', { restart: true })],
    ],
    ['no command', [{}, { command: '' }, { restart: false }]],
    ['standard input at its end', [run('cat; echo after'), run('read -r line; echo "$?"')]],
    ['ANSI sequences', [run("printf '\\033[31mred\\033[0m \\033[1;4mbold\\033[m\\n'")]],
    [
      'quotes and metacharacters',
      [run(`echo 'a"b' "c'd" \\\\ \\$HOME '$x' \`echo sub\` $((1+2)) {a,b} *.none`)],
    ],
    [
      'here documents',
      [run('cat <<END\none $((1+1))\nEND'), run("cat <<'END'\n$raw \\n '\nEND\necho after")],
    ],
    ['comments and blank lines', [run('echo a # b\n\n  \necho c')]],
    ['several lines', [run('for i in 1 2 3; do\n  echo $i\ndone\nif true; then\n echo yes\nfi')]],
    ['characters beyond ASCII', [run('echo "grüße 日本 🎉"; printf "\\xff\\n"'), run("echo 'ß' | wc -c")]],
    ['tabs and carriage returns', [run("printf 'a\\tb\\r\\nc\\n'"), run("echo 'x\ty'")]],
    ['a pipeline and a subshell', [run('seq 3 | while read -r n; do echo "n$n"; done; (cd /; pwd); pwd')]],
    ['output larger than is kept', [run('yes 0123456789 | head -c 300000'), run('echo small')]],
    ['output of exactly the limit', [run('head -c 102400 /dev/zero | tr "\\0" a')]],
    [
      'a timeout, and a fresh shell after it',
      [run('X=1; echo part; sleep 60', { timeout_ms: 300 }), run('echo "x$X"')],
    ],
    ['a shell that exits, and a fresh one after it', [run('X=1; exit 3'), run('echo "x$X"')]],
    ['a shell that kills itself', [run('kill -9 $$'), run('echo next')]],
    ['exec of another program', [run('exec true'), run('echo next')]],
    [
      'a background job',
      [run('sleep 30 & echo started'), run('jobs %1 >/dev/null && echo running; kill %1')],
    ],
    ['set -e', [run('set -e'), run('false; echo not reached'), run('echo next')]],
    [
      'set -u and set -o pipefail',
      [run('set -uo pipefail; echo ok'), run('false | true'), run('echo $' + '{none:-default}')],
    ],
    ['traps', [run("trap 'echo bye' EXIT; echo set"), run('trap - EXIT; echo unset')]],
    [
      'redirections of the shell',
      [run('exec 5>file; echo five >&5; cat file'), run('echo more >&5; cat file')],
    ],
    ['the working directory removed', [run('mkdir d; cd d; rmdir ../d; echo gone'), run('cd ..; ls')]],
    ['the exit status of the last command', [run('(exit 7)'), run('echo $?')]],
  ])('%s', async (_, inputs) => {
    const [sdk, ours] = [await askSdk(inputs), await askOurs(inputs)];
    expect(ours).toEqual(sdk);
  });
});

describe('where we differ from the SDK on purpose', () => {
  // Its tool waits out the whole timeout for these and then has lost its shell.
  test.each([
    ['an open quote', 'echo "abc', /unexpected EOF while looking for matching/],
    ['a stray parenthesis', 'echo )', /syntax error near unexpected token/],
    ['an open block', 'if true; then echo a', /syntax error: unexpected end of file/],
  ])('%s is answered at once, and the shell goes on', async (_, command, expected) => {
    const [, broken, after] = await askOurs([run('X=1'), run(command), run('echo "x$X"')]);
    expect(broken).toMatchObject({ isError: true, text: expect.stringMatching(expected) });
    expect(after).toEqual({ isError: false, text: 'x1' });
  });

  test('a command that is only a comment is no error', async () => {
    expect(await askOurs([run('# nothing')])).toEqual([{ isError: false, text: '(no output)' }]);
  });

  test('a command that redirects the shell for good does not take the answer with it', async () => {
    const [redirected, after] = await askOurs([
      run('exec >away; echo hidden'),
      run('cat away', { restart: true }),
    ]);
    expect(redirected).toEqual({ isError: false, text: '(no output)' });
    expect(after).toEqual({ isError: false, text: 'hidden' });
  });

  test('a trace shows the commands and nothing of ours', async () => {
    const [, traced] = await askOurs([run('set -x'), run('echo hi')]);
    expect(traced).toEqual({ isError: false, text: '++ echo hi\nhi' });
  });

  test('a shell that exits is told at once, also when a background job holds its output open', async () => {
    const told = await askOurs([run('sleep 300 & exit 3'), run('echo next')]);
    expect(told).toEqual([
      { isError: true, text: 'bash: bash session terminated' },
      { isError: false, text: 'next' },
    ]);
  });

  test.each([
    [{ command: 5 }, 'bash: command must be a string'],
    [{ command: 'true', timeout_ms: 'soon' }, 'bash: timeout_ms must be a number of milliseconds'],
  ])('%j is answered with what is wrong with it', async (input, expected) => {
    expect(await askOurs([input])).toEqual([{ isError: true, text: expected }]);
  });
});
