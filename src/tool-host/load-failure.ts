/** Why a tools module could not be imported, with the line and the mend where Node's own words lack them. */
import { existsSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { errorText } from '../error-text.ts';

/** @returns words that follow the module's name. */
export function whyNotLoaded(path: string, error: unknown): string {
  if (!existsSync(path)) return 'is not there; give the path of the file';
  const text = textOf(error);
  const missing = /^Cannot find package '([^']+)'/.exec(text)?.[1];
  if (missing !== undefined) return `failed to load: ${text}; npm install ${missing}`;
  const place = placeOf(path, error);
  return `failed to load: ${text}${place === undefined ? '' : ` (${place})`}`;
}

function textOf(error: unknown): string {
  try {
    return errorText(error);
  } catch {
    return 'a value that cannot be shown';
  }
}

/** `line 3`, or `helper.ts:3`: of a syntax error Node puts it before the stack, of others it is the first frame. */
function placeOf(path: string, error: unknown): string | undefined {
  const stack = error instanceof Error ? String(error.stack ?? '') : '';
  const found =
    /^(?:file:\/\/)?(\/[^\n]+):(\d+)\n/.exec(stack) ??
    /^\s+at .*?\(?file:\/\/(\/[^\n]+?):(\d+):\d+\)?$/m.exec(stack);
  const [, file, line] = found ?? [];
  if (file === undefined || file.includes('/node_modules/')) return undefined;
  return file === path ? `line ${line}` : `${relative(dirname(path), file)}:${line}`;
}
