/** Tells when files of the tools module are saved, whichever way an editor saves them. */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorText } from './error-text.ts';
import type { ModuleSource } from './tool-host/module-source.ts';

export interface ModuleWatch {
  /** From now on these are the files. @param broken a new file of their folders may be what is missing. */
  follow(source: ModuleSource, broken: boolean): void;
  stop(): void;
}

/** One save is several events, and an editor may write several files. */
const SETTLE_MS = 150;
const CODE = /\.([cm]?[jt]s|json)$/;
const MOST_FOLDERS = 100;

/**
 * @param module absolute path of the module, watched as it is named and where its files really are.
 * @param onFailure told once for a folder that cannot be watched.
 */
export function watchModule(
  module: string,
  onChange: () => void,
  onFailure: (what: string) => void,
): ModuleWatch {
  const watchers = new Map<string, FSWatcher>();
  let files = new Set<string>();
  let isBroken = false;
  let timer: NodeJS.Timeout | undefined;
  const heed = (name: string | null): void => {
    const isTheirs = name === null || files.has(name) || (isBroken && CODE.test(name));
    if (!isTheirs) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
  };
  const watchFolder = (folder: string): void => {
    if (watchers.has(folder) || watchers.size >= MOST_FOLDERS) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => heed(name));
      watcher.on('error', error => onFailure(`${folder}: ${errorText(error)}`));
      watchers.set(folder, watcher);
    } catch (error) {
      onFailure(`${folder}: ${errorText(error)}`);
    }
  };
  return {
    follow(source, broken) {
      isBroken = broken;
      const paths = [module, ...Object.keys(source.files).map(pathOf)];
      files = new Set([...files, ...paths.map(path => basename(path))]);
      for (const path of paths) watchFolder(dirname(path));
    },
    stop() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

function pathOf(url: string): string {
  return fileURLToPath(url.replace(/[?#].*$/, ''));
}
