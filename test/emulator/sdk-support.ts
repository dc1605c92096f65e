/** The SDK's EnvironmentWorker as a test runs it, with what it logged and which tools it ran. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { onTestFinished } from 'vitest';
import type { EnvironmentHandle } from '../../src/emulator/environment-handle.ts';
import type { Emulator } from '../../src/emulator/server.ts';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'emulator-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A client without retries that keeps what it logs. */
export function loggingClient(emulator: Emulator, lines: string[]): Anthropic {
  const log =
    (level: string) =>
    (...parts: unknown[]) =>
      void lines.push(
        `${level} ${parts.map(part => (typeof part === 'string' ? part : JSON.stringify(part))).join(' ')}`,
      );
  const logger = { error: log('error'), warn: log('warn'), info: log('info'), debug: log('debug') };
  return new Anthropic({ baseURL: emulator.url, apiKey: 'org-key', maxRetries: 0, logLevel: 'info', logger });
}

export interface SdkWorker {
  /** Inputs of the tool `lookup`, in the order of its runs. */
  readonly runs: readonly string[];
  log(): string;
  /** Aborts it and waits until its loop has ended. */
  end(): Promise<void>;
}

/** Starts a worker; its sessions end 50 ms after their turn. Its tool takes 1.5 s for the key `slow`. */
export function sdkWorker(
  emulator: Emulator,
  environment: EnvironmentHandle,
  options: { workerId?: string; workdir?: string; tools?: 'toolset' } = {},
): SdkWorker {
  const { tools, ...rest } = options;
  const lines: string[] = [];
  const runs: string[] = [];
  const lookup = betaTool({
    name: 'lookup',
    description: 'looks something up',
    inputSchema: { type: 'object', properties: { key: { type: 'string' } }, required: ['key'] },
    run: async ({ key }) => {
      runs.push(key);
      if (key === 'slow') await new Promise(resolve => setTimeout(resolve, 1500));
      return `value of ${key}`;
    },
  });
  const abort = new AbortController();
  const done = loggingClient(emulator, lines)
    .beta.environments.work.worker({
      environmentId: environment.id,
      environmentKey: environment.key,
      maxIdleMs: 50,
      ...(tools === undefined && { tools: [lookup] }),
      ...rest,
    })
    .run(abort.signal)
    .catch((error: unknown) => void lines.push(`ended by ${String(error)}`));
  const end = () => {
    abort.abort();
    return done;
  };
  onTestFinished(end);
  return { runs, log: () => lines.join('\n'), end };
}
