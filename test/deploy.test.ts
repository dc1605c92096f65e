/**
 * The files that deploy Holdfast, held to the code they start. Whether engines and systemd take them is asked by
 * `npm run deploy:check`, and `npm run stack` runs the Temporal of docker-compose.yml without an engine.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { tunedDynamicConfig } from '../src/dev/temporal-arguments.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const compose = read('docker-compose.yml');
const version = (JSON.parse(read('package.json')) as { version: string }).version;

/** The text of each service of docker-compose.yml. */
const services = Object.fromEntries(
  [
    ...(/^services:\n([\s\S]*?)^\S/m.exec(compose)?.[1] ?? '').matchAll(
      /^ {2}(\w+):\n((?: {4}.*\n|\n| {2}#.*\n)*)/gm,
    ),
  ].map(match => [match[1] ?? '', match[2] ?? '']),
);

describe('docker-compose.yml', () => {
  it('has worker and host apart, so that a new worker ends no tool', () => {
    expect(Object.keys(services).sort()).toEqual(
      ['host', 'namespace', 'postgres', 'schema', 'temporal', 'ui', 'webhook', 'worker'].sort(),
    );
    expect(services.worker).toContain('command: [worker, --roles, "sessions,listeners"]');
    expect(services.host).toContain('command: [worker, --roles, tools]');
    expect(services.host).toMatch(/^ {4}hostname: /m);
    expect(services.host).toMatch(/HOLDFAST_TOOL_USER: tool$/m);
  });

  it('probes every service that stays; those that end are waited for', () => {
    const probed = Object.keys(services).filter(name => services[name]?.includes('healthcheck:'));
    // The image has a probe of its own for the worker.
    expect(read('Dockerfile')).toContain('CMD ["node", "/app/dist/health-main.js"]');
    expect([...probed, 'worker', 'schema', 'namespace'].sort()).toEqual(Object.keys(services).sort());
    for (const name of ['schema', 'namespace'])
      expect(compose).toMatch(new RegExp(`${name}:\\n\\s+condition: service_completed_successfully`));
  });

  it('runs the Temporal server that the tests run, with its tools of the same version', () => {
    const built = /go\.temporal\.io\/server v(\S+)/.exec(read('tools', 'temporal', 'go.mod'))?.[1];
    const images = [...compose.matchAll(/image: temporalio\/(server|admin-tools):(\S+)/g)];
    expect(images.map(match => match[2])).toEqual([built, built, built]);
  });

  it('calls the image by the version of the package, and pins all others', () => {
    const images = [...compose.matchAll(/image: (\S+)/g)].map(match => match[1] ?? '');
    expect(images).toContain(`holdfast:${version}`);
    for (const image of images) expect(image).toMatch(/:\d+\.\d+/);
  });

  it('takes what .env.example names, and no other', () => {
    const wanted = new Set([...compose.matchAll(/\$\{([A-Z_]+)/g)].map(match => match[1] ?? ''));
    const known = new Set(
      read('.env.example')
        .match(/^#?[A-Z_]+(?==)/gm)
        ?.map(name => name.replace('#', '')),
    );
    wanted.delete('ANTHROPIC_BASE_URL');
    expect([...wanted].sort()).toEqual([...known].sort());
  });
});

it('the dynamic configuration is the one that `holdfast up` gives its server', () => {
  const lines = read('deploy', 'temporal', 'dynamicconfig.yaml').split('\n');
  const text = lines.filter(line => !line.startsWith('#')).join('\n');
  const keys = [...text.matchAll(/^(\S+):\n {2}- value: (.*)$/gm)].map(match => [match[1], match[2]]);
  const wanted = Object.entries(tunedDynamicConfig).map(([key, value]) => [key, String(value)]);
  expect(keys.sort()).toEqual(wanted.sort());
});

it('the image copies what is there and what .dockerignore lets through', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
    match => match[1]?.split(' ') ?? [],
  );
  const allowed = read('.dockerignore')
    .match(/^!\S+/gm)
    ?.map(line => line.slice(1));
  expect(copied.length).toBeGreaterThan(5);
  for (const path of copied) {
    expect(existsSync(join(root, path)), path).toBe(true);
    const isAllowed = allowed?.some(part => path === part || path.startsWith(`${part}/`));
    expect(isAllowed, path).toBe(true);
  }
});

describe('the systemd units', () => {
  const units = Object.fromEntries(
    readdirSync(join(root, 'deploy', 'systemd'))
      .filter(name => name.endsWith('.service'))
      .map(name => [name, read('deploy', 'systemd', name)]),
  );
  const setting = (unit: string, name: string) =>
    new RegExp(`^${name}=(.*)$`, 'm').exec(units[`holdfast-${unit}.service`] ?? '')?.[1];

  it('are worker and host apart, with a state folder each', () => {
    expect(setting('worker', 'ExecStart')).toMatch(/ worker --roles sessions,listeners$/);
    expect(setting('host', 'ExecStart')).toMatch(/ worker --roles tools$/);
    for (const unit of ['worker', 'host']) {
      const folder = setting(unit, 'StateDirectory');
      expect(units[`holdfast-${unit}.service`]).toContain(
        `Environment=HOLDFAST_STATE_DIR=/var/lib/${folder}\n`,
      );
    }
    expect(setting('worker', 'StateDirectory')).not.toBe(setting('host', 'StateDirectory'));
  });

  it('leave tool hosts alone when the host stops: no control-group kill, no folder that goes with the unit', () => {
    expect(setting('host', 'KillMode')).toBe('process');
    expect(setting('host', 'OOMPolicy')).toBe('continue');
    for (const harmful of ['PrivateTmp', 'RuntimeDirectory', 'ProtectKernelTunables', 'ProtectProc'])
      expect(setting('host', harmful), harmful).toBeUndefined();
  });
});

describe('docs/operations.md', () => {
  const page = read('docs', 'operations.md');

  it('links only to files that are there', () => {
    const links = [...page.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)].map(match => match[1] ?? '');
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter(link => !existsSync(join(root, 'docs', link)))).toEqual([]);
  });

  it('says of every command whether it was tried: `npm run operations` runs those that are marked', () => {
    const parts = page.split(/^```sh\n[\s\S]*?^```$/m).slice(0, -1);
    expect(parts.length).toBeGreaterThan(5);
    for (const before of parts) expect(before.slice(-700)).toMatch(/<!-- tried -->\n$|not tried here/i);
  });
});

it('no deployed file names a setting that is not read', () => {
  const names = new Set<string>();
  const env = new Proxy({} as Record<string, string | undefined>, {
    get: (_, name) => void (typeof name === 'string' && names.add(name)),
    ownKeys: () => [],
  });
  readConfig(env);
  const files = [compose, read('.env.example'), read('Dockerfile'), read('docs', 'operations.md')];
  for (const name of readdirSync(join(root, 'deploy', 'systemd')))
    files.push(read('deploy', 'systemd', name));
  const used = new Set(files.join('\n').match(/\bHOLDFAST_[A-Z_]+/g));
  expect([...used].filter(name => !names.has(name))).toEqual([]);
});
