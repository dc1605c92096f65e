/** Tells one version of the user's tools module from another without running it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ToolsVersion } from './tool-set.ts';

const MOST_FILES = 200;
const RELATIVE_IMPORT = /(?:from|import|require)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** sha256 over the module and what it imports by relative path; empty without a module, or if it cannot be read. */
export async function hashModule(path: string | undefined): Promise<string> {
  if (path === undefined) return '';
  const hash = createHash('sha256');
  const seen = new Set([path]);
  let found = false;
  for (const file of seen) {
    const source = await readFile(file, 'utf8').catch(() => undefined);
    if (source === undefined) continue;
    found = true;
    hash.update(source).update('\0');
    for (const [, specifier = ''] of source.matchAll(RELATIVE_IMPORT)) {
      if (seen.size < MOST_FILES) seen.add(resolve(dirname(file), specifier));
    }
  }
  return found ? hash.digest('hex') : '';
}

/** Of a version whose files are given, theirs; else of what is on disk. */
export async function hashOf({ toolsModule, source }: ToolsVersion): Promise<string> {
  return source?.hash ?? hashModule(toolsModule);
}
