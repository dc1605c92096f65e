/**
 * The worker's side of the protocol. What goes wrong with the host is data (`no-host`, `host-lost`); a method
 * rejects only when its signal aborts, or when the host breaks the protocol. Aborting a wait never stops a tool:
 * only `stop` does (§2.4).
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import type { MountAnswer, MountRequest } from './mount-protocol.ts';
import {
  type CallAnswer,
  type CallRequest,
  type CloseAnswer,
  type CloseRequest,
  type Health,
  type HostLost,
  INCARNATION_HEADER,
  type LogAnswer,
  type NoHost,
  type OutcomeAnswer,
  type ReloadAnswer,
  type StopAnswer,
} from './protocol.ts';
import type { ToolsVersion } from './tool-set.ts';

/** Connected, but no answer within the time given: stopped, or stuck. */
export interface Silent {
  readonly kind: 'silent';
}

interface Reply {
  readonly kind: 'reply';
  readonly type: string;
  readonly body: Buffer;
}

const DEFAULT_ANSWER_MS = 30_000;
/** What loading a module may take, over that. */
const RELOAD_MS = 30_000;

export class ToolHostClient {
  readonly #agent = new Agent({ keepAlive: true, scheduling: 'lifo' });
  readonly #socketPath: string;
  readonly #incarnation: string;
  readonly #answerMs: number;

  /**
   * @param host.incarnation the one that `openWorkspace` answered; every request carries it.
   * @param host.answerMs how long the host may be silent, over what a request waits for; then it is `no-host`.
   */
  constructor(host: {
    readonly socketPath: string;
    readonly incarnation: string;
    readonly answerMs?: number;
  }) {
    this.#socketPath = host.socketPath;
    this.#incarnation = host.incarnation;
    this.#answerMs = host.answerMs ?? DEFAULT_ANSWER_MS;
  }

  /** Starts the call or attaches to it, and waits up to `waitMs` for its outcome. Call again on `running`. */
  startOrAttach(callId: string, call: CallRequest, signal?: AbortSignal): Promise<CallAnswer> {
    return this.#patiently(call.waitMs, signal, either => this.#json('PUT', callPath(callId), call, either));
  }

  /** Stops the call, or bars it from ever starting; answers when its processes are dead or listed as survivors. */
  stop(callId: string, reason: string, signal?: AbortSignal): Promise<StopAnswer> {
    return this.#patiently(0, signal, either => this.#json('DELETE', callPath(callId), { reason }, either));
  }

  /** The durable outcome; with `full` a `stored` one comes whole, as `answered`. */
  outcome(callId: string, options: { full?: boolean; signal?: AbortSignal } = {}): Promise<OutcomeAnswer> {
    const query = options.full === true ? '?full=1' : '';
    const path = `${callPath(callId)}/outcome${query}`;
    return this.#patiently(0, options.signal, either => this.#json('GET', path, undefined, either));
  }

  /** Output of the call from byte `from` on, at most 1 MB. */
  async log(callId: string, from = 0, signal?: AbortSignal): Promise<LogAnswer> {
    const path = `${callPath(callId)}/log?from=${from}`;
    const reply = await this.#patiently(0, signal, either => this.#send('GET', path, undefined, either));
    if (reply.kind !== 'reply') return reply;
    if (reply.type.startsWith('application/json')) return JSON.parse(reply.body.toString()) as HostLost;
    return { kind: 'log', bytes: reply.body, nextFrom: from + reply.body.length };
  }

  /** Asks who answers. `anyIncarnation` asks whoever listens. @param options.timeoutMs until `silent` is said. */
  async health(options: {
    timeoutMs: number;
    anyIncarnation?: boolean;
    signal?: AbortSignal;
  }): Promise<Health | Silent | HostLost | NoHost> {
    const path = options.anyIncarnation === true ? '/?any=1' : '/';
    const asked = await patiently(options.timeoutMs, options.signal, either =>
      this.#json<Health | HostLost>('GET', path, undefined, either),
    );
    return asked ?? { kind: 'silent' };
  }

  /** Mounts the session's skills and memory stores, however long that takes; a second time renews the token. */
  mount(request: MountRequest, signal?: AbortSignal): Promise<MountAnswer | HostLost | NoHost> {
    return this.#json('POST', '/mount', request, signal);
  }

  /** Has the host serve another version of the tools module to the calls that start from then on. */
  reload(version: ToolsVersion, signal?: AbortSignal): Promise<ReloadAnswer | HostLost | NoHost> {
    return this.#patiently(RELOAD_MS, signal, either => this.#json('POST', '/tools', version, either));
  }

  /** Ends the host, however long that takes. `closeWorkspace` is what a worker wants: it also sees that the process is gone. */
  close(options: CloseRequest, signal?: AbortSignal): Promise<CloseAnswer> {
    return this.#json('POST', '/close', options, signal);
  }

  /** Drops the kept connections. */
  destroy(): void {
    this.#agent.destroy();
  }

  async #patiently<T>(
    waitMs: number,
    signal: AbortSignal | undefined,
    ask: (either: AbortSignal) => Promise<T>,
  ): Promise<T | NoHost> {
    const limit = waitMs + this.#answerMs;
    const answer = await patiently(limit, signal, ask);
    return answer ?? { kind: 'no-host', reason: `the tool host did not answer within ${limit} ms` };
  }

  async #json<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T | NoHost> {
    const reply = await this.#send(method, path, body, signal);
    if (reply.kind !== 'reply') return reply;
    const answer = JSON.parse(reply.body.toString()) as { kind: string; message?: string };
    // The host could not do it (a full disk): nothing was started, and the same request may be repeated.
    if (answer.kind === 'error') throw new Error(`the tool host failed: ${answer.message}`);
    return answer as T;
  }

  async #send(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Reply | NoHost> {
    const first = await this.#attempt(method, path, body, signal);
    // A kept connection may have died unseen; every request may be repeated, so a fresh one decides.
    if (first.kind !== 'stale') return first;
    const second = settle(await this.#attempt(method, path, body, signal));
    // The first one may have arrived.
    return second.kind === 'no-host' ? { kind: 'no-host', reason: second.reason } : second;
  }

  #attempt(
    method: string,
    path: string,
    body: unknown,
    signal?: AbortSignal,
  ): Promise<Reply | NoHost | Stale> {
    const text = Buffer.from(body === undefined ? '' : JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const outgoing = request({
        socketPath: this.#socketPath,
        agent: this.#agent,
        method,
        path,
        headers: {
          [INCARNATION_HEADER]: this.#incarnation,
          'content-type': 'application/json',
          'content-length': text.length,
        },
        ...(signal === undefined ? {} : { signal }),
      });
      const failed = (error: NodeJS.ErrnoException): void => {
        if (signal?.aborted === true) reject(signal.reason);
        else if (outgoing.reusedSocket) resolve({ kind: 'stale' });
        else resolve(noHost(error));
      };
      outgoing.on('error', failed);
      outgoing.on('response', incoming => {
        readAll(incoming).then(
          bytes =>
            resolve({ kind: 'reply', type: String(incoming.headers['content-type'] ?? ''), body: bytes }),
          failed,
        );
      });
      outgoing.end(text);
    });
  }
}

/** What was asked for, or undefined when it took longer than `limitMs`. Rejects when `signal` aborts. */
async function patiently<T>(
  limitMs: number,
  signal: AbortSignal | undefined,
  ask: (either: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), limitMs);
  try {
    return await ask(signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]));
  } catch (error) {
    if (over.signal.aborted && signal?.aborted !== true) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** What `connect` fails with where nobody listens. */
const NOBODY = ['ENOENT', 'ECONNREFUSED'];

function noHost(error: NodeJS.ErrnoException): NoHost {
  const reason = `${error.code ?? 'error'}: ${error.message}`;
  const unsent = error.syscall === 'connect' && NOBODY.includes(error.code ?? '');
  return { kind: 'no-host', reason, ...(unsent ? { unsent } : {}) };
}

interface Stale {
  readonly kind: 'stale';
}

function settle(answer: Reply | NoHost | Stale): Reply | NoHost {
  return answer.kind === 'stale' ? { kind: 'no-host', reason: 'the connection was lost' } : answer;
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function callPath(callId: string): string {
  return `/calls/${encodeURIComponent(callId)}`;
}
