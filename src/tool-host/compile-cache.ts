/** Node's cache of compiled sources, handed on to the processes and threads that we start: it halves what a start costs. */
import { flushCompileCache, getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';

/** For the environment of a process or thread of ours; never for a tool's. Empty where there is no cache. */
export function compileCache(): Record<string, string> {
  const used = getCompileCacheDir();
  // Node keeps a folder for each of its versions in the one that it is given.
  return used === undefined ? {} : { NODE_COMPILE_CACHE: dirname(used) };
}

/** By then a thread has loaded what it runs; ms. */
const LOADED_MS = 2_000;

/** In a thread: the tools that run in it are not to see the variable, and one that is ended saves nothing itself. */
export function settleCompileCache(): void {
  delete process.env.NODE_COMPILE_CACHE;
  setTimeout(flushCompileCache, LOADED_MS).unref();
}
