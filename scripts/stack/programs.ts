/** The programs of a production stack: PostgreSQL as it is installed, Temporal's server built from our Go module. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { executablesOnPath, runBriefly } from '../../src/dev/temporal-binary.ts';
import { findGo } from '../../src/dev/temporal-build.ts';
import { bundledModule, readModule } from '../../src/dev/temporal-cache.ts';
import { findTemporal } from '../../src/dev/temporal-finder.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface Programs {
  /** Folder of initdb, postgres, pg_isready. */
  readonly postgres: string;
  /** Folder of temporal, temporal-server, temporal-sql-tool. */
  readonly temporal: string;
}

const BUILD_MS = 1_200_000;
/** What is built, and from which package of the server that the CLI has inside. */
const PACKAGES = {
  'temporal-server': 'go.temporal.io/server/cmd/server',
  'temporal-sql-tool': 'go.temporal.io/server/cmd/tools/sql',
};

/** @throws Error, for a person, that says what is missing. */
export async function findPrograms(
  given: { readonly postgres?: string; readonly temporal?: string },
  env: Env,
  cacheDir: string,
): Promise<Programs> {
  return {
    postgres: given.postgres ?? postgresFolder(env),
    temporal: given.temporal ?? (await temporalFolder(env, cacheDir)),
  };
}

function postgresFolder(env: Env): string {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map(version => join(debian, version, 'bin')),
    ...executablesOnPath('postgres', env.PATH).map(file => dirname(file)),
  ];
  const found = folders.find(folder => existsSync(join(folder, 'initdb')));
  if (found === undefined)
    throw new Error('no PostgreSQL here: install the package postgresql, or name its folder with --postgres');
  return found;
}

async function temporalFolder(env: Env, cacheDir: string): Promise<string> {
  const module = readModule(bundledModule);
  const folder = join(cacheDir, 'temporal', `production-${module.checksum}`);
  mkdirSync(folder, { recursive: true });
  const cli = await findTemporal({ env, cacheDir, output: process.stderr });
  if (cli.kind !== 'binary') throw new Error('no temporal CLI can be had: `holdfast up` tells why');
  if (!existsSync(join(folder, 'temporal'))) symlinkSync(cli.path, join(folder, 'temporal'));
  const missing = Object.entries(PACKAGES).filter(([name]) => !existsSync(join(folder, name)));
  if (missing.length === 0) return folder;
  const go = await findGo(env, module.goVersion, 15_000);
  if (go.kind === 'none') throw new Error(`the Temporal server cannot be built: ${go.reason}`);
  // The module is about the CLI: the server's programs need two libraries more, which go.sum of a copy takes up.
  const copy = mkdtempSync(join(tmpdir(), 'hfp-go-'));
  try {
    for (const file of ['go.mod', 'go.sum', 'tools.go'])
      copyFileSync(join(module.folder, file), join(copy, file));
    for (const [name, source] of missing) {
      process.stderr.write(`Building ${name} once…\n`);
      // Go takes -C only in the first place.
      const flags = ['-C', copy, '-mod=mod', '-buildvcs=false', '-trimpath', '-ldflags=-s -w'];
      const args = ['build', ...flags, '-o', join(folder, name), source];
      const built = await runBriefly(
        go.path,
        args,
        { ...env, GOTOOLCHAIN: 'local', GOWORK: 'off' },
        BUILD_MS,
      );
      if (built.kind === 'failed') throw new Error(built.reason);
    }
  } finally {
    rmSync(copy, { recursive: true });
  }
  return folder;
}
