import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { lastLines } from './temporal-binary.ts';
import type { TetheredProcess } from './tethered-process.ts';

export type Readiness =
  | { readonly kind: 'serving' }
  /** The process ended because this port (one of ours, or one that the server chose for itself) was taken. */
  | { readonly kind: 'address-in-use'; readonly port: number | undefined; readonly tail: string }
  | { readonly kind: 'ended'; readonly how: string; readonly tail: string }
  | { readonly kind: 'late'; readonly tail: string };

export interface ReadinessOptions {
  readonly host: string;
  readonly port: number;
  readonly namespaces: readonly string[];
  readonly logFile: string;
  /** Where this server's own output starts in the log, bytes. */
  readonly logStart: number;
  readonly limitMs: number;
  readonly signal?: AbortSignal;
}

const pollMs = 25;
/** How long a server that already answers may take to say on which port it listens. */
const bannerMs = 2_000;

/** Waits until the server answers for all its namespaces, or has ended, or the limit is over. */
export async function waitUntilServing(
  server: TetheredProcess,
  options: ReadinessOptions,
): Promise<Readiness> {
  const deadline = performance.now() + options.limitMs;
  const state: { ended?: string } = {};
  void server.exited.then(({ code, signal }) => {
    state.ended = signal ?? `exit code ${code}`;
  });
  let answersSince: number | undefined;
  for (;;) {
    await sleep(pollMs);
    options.signal?.throwIfAborted();
    if (state.ended !== undefined) return whyEnded(state.ended, await output(options));
    const now = performance.now();
    if (now >= deadline) return { kind: 'late', tail: lastLines(await output(options), 8, 1_500) };
    if (answersSince === undefined && (await answers(options, deadline))) answersSince = now;
    if (answersSince === undefined) continue;
    // Somebody answers on that port. Our server says so in its log; without that line (another version's words) a
    // process that found its port taken has had the time to end.
    const announced = new RegExp(`Server:\\s+\\S+:${options.port}\\b`).test(await output(options));
    if (announced || now - answersSince > bannerMs) return { kind: 'serving' };
  }
}

async function answers({ host, port, namespaces }: ReadinessOptions, deadline: number): Promise<boolean> {
  // A gRPC channel that was refused once waits a second before it tries again: knock first.
  if (!(await accepts(host, port))) return false;
  const connection = Connection.lazy({ address: `${host}:${port}` });
  const until = Date.now() + Math.min(5_000, Math.max(1, deadline - performance.now()));
  try {
    await connection.withDeadline(until, async () => {
      await connection.workflowService.getSystemInfo({});
      for (const namespace of namespaces) await connection.workflowService.describeNamespace({ namespace });
    });
    return true;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

function whyEnded(how: string, log: string): Readiness {
  const tail = lastLines(log, 8, 1_500);
  const line = /^.*address already in use.*$/im.exec(log)?.[0];
  if (line === undefined) return { kind: 'ended', how, tail };
  const port = /\bport (\d+)|:(\d+): bind/.exec(line);
  return { kind: 'address-in-use', port: port ? Number(port[1] ?? port[2]) : undefined, tail };
}

/** What this server has written so far. */
async function output({ logFile, logStart }: ReadinessOptions): Promise<string> {
  const file = await open(logFile, 'r');
  try {
    const { size } = await file.stat();
    const length = Math.min(size - logStart, 1_000_000);
    if (length <= 0) return '';
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, logStart);
    return buffer.toString('utf8');
  } finally {
    await file.close();
  }
}
