/** Which files a path means: the file itself, or all histories in a folder and the folders in it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export type HistoryFiles =
  | { readonly kind: 'found'; readonly files: readonly string[] }
  | { readonly kind: 'missing'; readonly message: string };

export async function historyFiles(path: string): Promise<HistoryFiles> {
  const missing = (message: string): HistoryFiles => ({ kind: 'missing', message });
  try {
    if (!(await stat(path)).isDirectory()) return { kind: 'found', files: [path] };
    const names = await readdir(path, { recursive: true, withFileTypes: true });
    const files = names
      .filter(entry => entry.isFile() && /\.json(\.gz)?$/.test(entry.name))
      .map(entry => join(entry.parentPath, entry.name))
      .sort();
    return files.length > 0
      ? { kind: 'found', files }
      : missing(`no histories in ${path}: it has no file that ends in .json or .json.gz`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return missing(code === 'ENOENT' ? `${path} is not there` : `cannot read ${path}: ${code ?? message}`);
  }
}
