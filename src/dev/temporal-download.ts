import { open, readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Env, makerEnv } from './child-env.ts';
import { isExecutable, lastLines } from './temporal-binary.ts';
import type { MakeOutcome } from './temporal-cache.ts';
import { spawnTethered } from './tethered-process.ts';

export interface DownloadOptions {
  readonly env: Env;
  /** Given up when nothing arrived for this long, ms: a network that swallows packets answers nothing at all. */
  readonly stallMs: number;
  /** Given up in any case, ms. */
  readonly limitMs: number;
  readonly logFile: string;
  readonly signal?: AbortSignal;
  /** The program that downloads into the folder it is given; ours unless a test brings another. */
  readonly program?: string;
}

// Beside this file, as source or as built.
const bundledProgram = fileURLToPath(
  new URL(`./temporal-download-main${extname(import.meta.url)}`, import.meta.url),
);
const pollMs = 100;

/** The official CLI that fits the installed SDK, fetched by the SDK itself into `scratch`. */
export async function downloadTemporal(scratch: string, options: DownloadOptions): Promise<MakeOutcome> {
  const log = await open(options.logFile, 'w');
  try {
    const child = await spawnTethered(process.execPath, [options.program ?? bundledProgram, scratch], {
      env: makerEnv(options.env),
      output: log.fd,
      orphanGraceSeconds: 0,
    });
    let ended = false;
    void child.exited.then(() => {
      ended = true;
    });
    const start = performance.now();
    let bytes = 0;
    let moved = start;
    let cut: string | undefined;
    while (!ended && cut === undefined) {
      await sleep(pollMs);
      const now = performance.now();
      const size = await sizeOf(scratch);
      if (size !== bytes) moved = now;
      bytes = size;
      if (options.signal?.aborted) cut = 'interrupted';
      else if (now - moved > options.stallMs) cut = `nothing arrived for ${options.stallMs} ms`;
      else if (now - start > options.limitMs) cut = `not done after ${options.limitMs} ms`;
    }
    if (cut !== undefined) await child.stop(0);
    options.signal?.throwIfAborted();
    // The SDK renames a download when it is whole; that its own server then fails to start within 5 s is no matter here.
    const done = (await readdir(scratch)).map(name => join(scratch, name)).find(isWholeDownload);
    if (done !== undefined) return { kind: 'made', path: done };
    const said = lastLines(await readFile(options.logFile, 'utf8'), 1, 300);
    return { kind: 'failed', reason: cut ?? (said === '' ? 'it left no file' : said) };
  } finally {
    await log.close();
  }
}

const isWholeDownload = (file: string): boolean => !file.endsWith('.downloading') && isExecutable(file);

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) {
    bytes += (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}
