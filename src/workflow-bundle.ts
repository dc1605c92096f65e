/**
 * The bundle of our workflows, kept on the disk: making it takes a worker two seconds of a processor, at a moment
 * when sessions wait for it. Its name is the hash of what it is made from, so a stale one is never taken.
 */
import { createHash } from 'node:crypto';
import {
  access,
  constants,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BundleOptions, bundleWorkflowCode, type Logger, type WorkerOptions } from '@temporalio/worker';
import { failureConverterPath } from './data-converter.ts';

/** All that reaches the bundle (test/workflows/bundle.test.ts holds it to that). */
const PARTS = ['workflows', 'session', 'search-attributes', 'encoded-failures'];
/** One that no worker has used for so long is removed. */
const UNUSED_MS = 30 * 86_400_000;

type Kept = NonNullable<WorkerOptions['workflowBundle']>;

/**
 * @param cacheDir absolute path; where it cannot be written to, the bundle is made at every start.
 * @param encrypts whether the messages of the workflows' failures go into payloads.
 */
export async function workflowBundle(cacheDir: string, logger: Logger, encrypts = false): Promise<Kept> {
  const folder = join(cacheDir, 'workflows');
  const codePath = join(folder, `${await hashOfSources()}${encrypts ? '-encoded' : ''}.js`);
  if (await isKept(codePath)) return { codePath };
  const failures = encrypts ? { failureConverterPath: failureConverterPath() } : {};
  const { code } = await bundleWorkflowCode({ ...workflowSources(), logger, ...failures });
  await keep(folder, codePath, code).catch(error => logger.debug(`the bundle is not kept: ${error}`));
  return { code };
}

/** What Temporal's bundler begins with. */
export function workflowSources(): Required<
  Pick<BundleOptions, 'workflowsPath' | 'workflowInterceptorModules'>
> {
  return {
    workflowsPath: workflowSource('index'),
    workflowInterceptorModules: [workflowSource('read-ahead')],
  };
}

/** Absolute path of a module of `workflows/`, as it runs here: source or build. */
export function workflowSource(name: string): string {
  return fileURLToPath(new URL(`./workflows/${name}.${extensionOfSources()}`, import.meta.url));
}

/** Marks it as used, too. One that came with an image may be another user's, or on a disk that is read-only. */
async function isKept(codePath: string): Promise<boolean> {
  const now = new Date();
  await utimes(codePath, now, now).catch(() => {});
  return access(codePath, constants.R_OK).then(
    () => true,
    () => false,
  );
}

async function keep(folder: string, codePath: string, code: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${codePath}.${process.pid}.tmp`;
  await writeFile(temporary, code, { mode: 0o600 });
  // Whole or not at all: another worker may look for it right now.
  await rename(temporary, codePath);
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (Date.now() - (await stat(path)).mtimeMs > UNUSED_MS) await rm(path, { force: true });
  }
}

async function hashOfSources(): Promise<string> {
  // Source maps in the bundle name the files by their place.
  const root = fileURLToPath(new URL('.', import.meta.url));
  const versions = ['@temporalio/worker', '@temporalio/workflow'].map(versionOf);
  const hash = createHash('sha256').update(JSON.stringify([process.version, ...versions, root]));
  for (const path of await sourcesIn(root)) {
    const text = await readFile(join(root, path));
    hash.update(`\0${path}\0${text.length}\0`).update(text);
  }
  return hash.digest('hex').slice(0, 32);
}

async function sourcesIn(root: string): Promise<string[]> {
  const ending = `.${extensionOfSources()}`;
  const names = await readdir(root, { recursive: true });
  return names
    .filter(
      name =>
        name.endsWith(ending) && PARTS.some(part => name === part + ending || name.startsWith(`${part}/`)),
    )
    .sort();
}

function extensionOfSources(): 'ts' | 'js' {
  return import.meta.url.endsWith('.ts') ? 'ts' : 'js';
}

function versionOf(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return version;
}
