/**
 * Which calls may run beside each other (§2.3). A model that emits `write` then `bash` in one turn means that
 * order: a call waits for every earlier unfinished call that it conflicts with.
 */

/**
 * `workspace` is the session's working directory; any other resource is a name that tools agree on.
 * `pathFrom` names the input field whose value is the resource (`write` and `edit` own their path).
 */
export type Lock =
  | { readonly resource: string; readonly mode: 'shared' | 'exclusive' }
  | { readonly pathFrom: string; readonly mode: 'shared' | 'exclusive' };

/** A lock of one call, its resource known. */
export interface HeldLock {
  readonly resource: string;
  readonly mode: 'shared' | 'exclusive';
}

/** The locks one call takes: `pathFrom` is read from its input; a path is compared after normalising. */
export function locksOf(locks: readonly Lock[], input: unknown): HeldLock[] {
  return locks.map(lock =>
    'resource' in lock
      ? { resource: lock.resource, mode: lock.mode }
      : { resource: `path:${normalise(fieldOf(input, lock.pathFrom))}`, mode: lock.mode },
  );
}

/** Whether two calls may not run at the same time. */
export function conflict(a: readonly HeldLock[], b: readonly HeldLock[]): boolean {
  return a.some(x =>
    b.some(y => x.resource === y.resource && (x.mode === 'exclusive' || y.mode === 'exclusive')),
  );
}

function fieldOf(input: unknown, field: string): string {
  const value =
    typeof input === 'object' && input !== null && Object.hasOwn(input, field)
      ? (input as Record<string, unknown>)[field]
      : undefined;
  return typeof value === 'string' ? value : '';
}

/** Folds `.`, empty and `..` segments, so that `./a/b` and `a//b` are one path. Symlinks stay apart. */
function normalise(path: string): string {
  const absolute = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..' || (parts.length === 0 && !absolute) || parts.at(-1) === '..') parts.push(part);
    else parts.pop();
  }
  return (absolute ? '/' : '') + parts.join('/');
}
