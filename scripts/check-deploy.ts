/**
 * Whether the files that deploy Holdfast are taken by the programs that read them: `npm run deploy:check`. What cannot be
 * checked because its program is missing is said, and counts as failed unless --missing-ok.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Outcome {
  readonly what: string;
  readonly problem: string | undefined;
  readonly missing?: true;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const SETTINGS = { ANTHROPIC_API_KEY: 'x', HOLDFAST_KEY: 'x', POSTGRES_PASSWORD: 'x' };

const outcomes = [...compose(), ...units(), ...scripts(), dockerfile()];
for (const { what, problem, missing } of outcomes) {
  const verdict = problem === undefined ? 'ok         ' : missing ? 'NOT CHECKED' : 'WRONG      ';
  console.log(`${verdict} ${what}${problem === undefined ? '' : `: ${problem}`}`);
}
const allowed = process.argv.includes('--missing-ok');
process.exitCode = outcomes.some(({ problem, missing }) => problem !== undefined && !(missing && allowed))
  ? 1
  : 0;

/** The plug-in, or the older program of its own. */
function compose(): Outcome[] {
  const ways = [['docker', 'compose'], ['docker-compose']] as const;
  const way = ways.find(([program, ...args]) => run(program, [...args, 'version']).status === 0);
  if (way === undefined)
    return [{ what: 'docker-compose.yml', problem: 'there is no docker compose here', missing: true }];
  const [program, ...args] = way;
  // Not the .env of whoever runs this.
  const folder = mkdtempSync(join(tmpdir(), 'hfd-'));
  const none = join(folder, '.env');
  writeFileSync(none, '');
  const config = (env: Readonly<Record<string, string>>) =>
    run(program, [...args, '--env-file', none, '-f', 'docker-compose.yml', 'config', '-q'], env);
  const whole = config(SETTINGS);
  const bare = config({});
  rmSync(folder, { recursive: true });
  return [
    { what: `docker-compose.yml (${way.join(' ')})`, problem: whole.status === 0 ? undefined : whole.said },
    {
      what: 'docker-compose.yml asks for what only you can know',
      problem:
        bare.status !== 0 && /HOLDFAST_KEY|openssl|password/.test(bare.said)
          ? undefined
          : 'it starts without keys',
    },
  ];
}

function units(): Outcome[] {
  const folder = join(root, 'deploy', 'systemd');
  return readdirSync(folder)
    .filter(name => name.endsWith('.service'))
    .map(name => {
      const what = `deploy/systemd/${name}`;
      const { status, said } = run('systemd-analyze', ['verify', join(folder, name)]);
      if (status === undefined) return { what, problem: 'there is no systemd-analyze here', missing: true };
      // Its status is 0 whatever it finds; that this machine has no Node in /usr/bin is no fault of the unit.
      const lines = said
        .split('\n')
        .filter(line => line.includes(name) && !line.includes('is not executable'));
      return { what, problem: lines.length === 0 ? undefined : lines.join(' | ') };
    });
}

function scripts(): Outcome[] {
  return ['schema.sh', 'namespace.sh'].map(name => {
    const { status, said } = run('/bin/sh', ['-n', join(root, 'deploy', 'temporal', name)]);
    return { what: `deploy/temporal/${name}`, problem: status === 0 ? undefined : said };
  });
}

/** Without an engine nothing builds it: what it copies must be there and must not be kept out. */
function dockerfile(): Outcome {
  const { status, said } = run('docker', ['buildx', 'build', '--check', '.']);
  const what = 'Dockerfile';
  if (status === 0) return { what, problem: undefined };
  if (status !== undefined && !/unknown (command|flag)|is not a docker command|Cannot connect/.test(said))
    return { what, problem: said };
  return {
    what,
    problem: 'there is no docker buildx here; test/deploy.test.ts looks at what it copies',
    missing: true,
  };
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  });
  return { status: error === undefined ? (status ?? 1) : undefined, said: `${stdout}${stderr}`.trim() };
}
