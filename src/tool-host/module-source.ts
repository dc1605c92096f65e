/**
 * The files of a tools module as they were when it was last right, so that every thread of every tool host runs one
 * version of it, whatever is saved meanwhile: while an edit is broken the old tools stay.
 */
import { createHash } from 'node:crypto';
import { type ModuleFormat, registerHooks } from 'node:module';

export interface ModuleSource {
  /** sha256 of all of it. */
  readonly hash: string;
  /** By file URL. Packages in node_modules are not among them. */
  readonly files: SourceFiles;
}

type SourceFiles = Readonly<Record<string, { readonly format: string; readonly source: string }>>;

/** Formats that are text; others (addons, wasm) are read from disk. */
const TEXT = /^(module|commonjs|json)(-typescript)?$/;

/** Records every file that is loaded from now on; call before the module is imported. */
export function recordSources(): () => ModuleSource {
  const files: Record<string, SourceFiles[string]> = {};
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      const { format, source } = loaded;
      if (
        isOwn(url) &&
        typeof format === 'string' &&
        TEXT.test(format) &&
        source !== null &&
        source !== undefined
      ) {
        files[url] = { format, source: textOf(source) };
      }
      return loaded;
    },
  });
  return () => {
    const hash = createHash('sha256');
    for (const [url, { source }] of Object.entries(files).sort(byUrl)) hash.update(`${url}\0${source}\0`);
    return { hash: hash.digest('hex'), files: { ...files } };
  };
}

/** From now on these files are loaded as they are here, even where they are gone. */
export function pinSources({ files }: ModuleSource): void {
  const pinned = (url: string) => (Object.hasOwn(files, url) ? files[url] : undefined);
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        const url = urlOf(specifier, context.parentURL);
        const found = url === undefined ? undefined : pinned(url);
        if (url === undefined || found === undefined) throw error;
        return { url, format: found.format as ModuleFormat, shortCircuit: true };
      }
    },
    load(url, context, next) {
      const found = pinned(url);
      if (found === undefined) return next(url, context);
      return { format: found.format as ModuleFormat, source: found.source, shortCircuit: true };
    },
  });
}

function isOwn(url: string): boolean {
  return url.startsWith('file:') && !url.includes('/node_modules/');
}

function urlOf(specifier: string, parent: string | undefined): string | undefined {
  if (specifier.startsWith('file:')) return specifier;
  return parent !== undefined && /^\.{1,2}\//.test(specifier) ? new URL(specifier, parent).href : undefined;
}

function textOf(source: string | ArrayBuffer | NodeJS.TypedArray): string {
  if (typeof source === 'string') return source;
  return source instanceof ArrayBuffer
    ? Buffer.from(source).toString('utf8')
    : Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString('utf8');
}

function byUrl([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
