/** Small shell programs on a PATH of their own, in place of `temporal` and `go`; they note that they ran. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { processIdentity } from '../../src/dev/process-identity.ts';

export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-dev-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

const flags = '--db-filename --dynamic-config-value --search-attribute --namespace --ip';

/** A shell program that passes for a Temporal CLI. */
export function fakeTemporal(version = '9.9.9', startDevFlags = flags): string {
  return `case "$1" in --version) echo 'temporal version ${version}';; server) echo '${startDevFlags}';; esac`;
}

export interface Fakes {
  readonly folder: string;
  /** Writes an executable below `folder`; returns its path. */
  program(path: string, script: string): Promise<string>;
  /** Lines that programs wrote with `note …`. */
  notes(): string[];
}

export function fakePrograms(): Fakes {
  const folder = scratchFolder();
  const notesFile = join(folder, 'notes');
  return {
    folder,
    program: async (path, script) => {
      const file = join(folder, path);
      await mkdir(join(file, '..'), { recursive: true });
      // The search PATH of a test holds nothing but fakes; their own commands come from the system's folders.
      const head = `#!/bin/sh\nPATH=/usr/bin:/bin\nnote() { echo "$*" >> '${notesFile}'; }\n`;
      writeFileSync(file, `${head}${script}\n`, { mode: 0o755 });
      return file;
    },
    notes: () => (existsSync(notesFile) ? readFileSync(notesFile, 'utf8').trim().split('\n') : []),
  };
}

/** A Go that "builds" `binary` after `seconds`. */
export function fakeGo(binary: string, seconds = 0, version = '1.26.4'): string {
  return `if [ "$1" = version ]; then echo 'go version go${version} linux/amd64'; exit; fi
note "build $$"
while [ "$1" != -o ]; do shift; done
echo half > "$2"; sleep ${seconds}
cp '${binary}' "$2.new" && mv "$2.new" "$2"`;
}

export interface Program {
  readonly pid: number;
  /** Of its first line; rejects when it ends without one. */
  readonly firstLine: Promise<string>;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  kill(signal: NodeJS.Signals): void;
  /** To its whole process group, as a terminal does. */
  killGroup(signal: NodeJS.Signals): void;
}

/** Runs one of `programs/` in a process group of its own. It is gone when the test ends. */
export function runProgram(name: string, ...args: string[]): Program {
  const file = fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} did not start`);
  const exit = new Promise<number | null>(resolve => {
    child.once('exit', resolve);
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const ended = exit.then(async code => {
    const [stdout, stderr] = await output;
    return { code, stdout, stderr };
  });
  const firstLine = new Promise<string>((resolve, reject) => {
    let seen = '';
    child.stdout.on('data', chunk => {
      seen += chunk;
      const end = seen.indexOf('\n');
      if (end >= 0) resolve(seen.slice(0, end));
    });
    void ended.then(({ stderr }) => reject(new Error(`${name} ended: ${stderr}`)));
  });
  firstLine.catch(() => {});
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exit;
  });
  return {
    pid,
    firstLine,
    ended,
    kill: signal => void child.kill(signal),
    killGroup: signal => void process.kill(-pid, signal),
  };
}

/** Waits until a process has ended. */
export async function gone(pid: number, limitMs = 30_000): Promise<void> {
  await until(() => processIdentity(pid) === undefined, `the end of process ${pid}`, limitMs);
}

export async function until(condition: () => boolean, what: string, limitMs = 30_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
