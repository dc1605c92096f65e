/** Settings about the API, as text: what is not usable is a RangeError that names it and says what to write. */
import { isIP } from 'node:net';
import { milliseconds } from './duration.ts';
import { withoutPassword } from './error-text.ts';
import type { MountRequest } from './tool-host/mount-protocol.ts';

/** What the API allows an organisation (api.md §5). It publishes no limit for sending events. */
export const READS_PER_MINUTE = '1200';

/** With less, a worker could not even attach to its sessions in reasonable time. */
const LEAST = 10;

/** @returns Infinity for `0`. */
export function perMinute(name: string, text: string): number {
  if (text === '0') return Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (Number.isInteger(value) && value >= LEAST) return value;
  throw new RangeError(`${name} is ${text}: write 0 (no limit of ours) or a whole number from ${LEAST}`);
}

export function listenAddress(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = Number(text.slice(colon + 1));
  if (isIP(host) !== 0 && Number.isInteger(port) && port > 0 && port <= 65_535) return text;
  throw new RangeError(`${name} is ${text}: write an IP address and a port, 127.0.0.1:9464`);
}

export function httpAddress(name: string, text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text;
  throw new RangeError(`${name} is not an http(s) address: ${withoutPassword(text)}`);
}

/** The API's address stands in logs and errors, and requests cannot carry what stands before an `@`. */
export function apiAddress(name: string, text: string): string {
  const { username, password } = new URL(httpAddress(name, text));
  if (username === '' && password === '') return text;
  throw new RangeError(
    `${name} holds a name or a password: give them as ANTHROPIC_CUSTOM_HEADERS, Authorization: Basic …`,
  );
}

/** What is wrong with the key is said, the key is not. */
export function headerKey(name: string, text: string | undefined): string | undefined {
  if (text === undefined || /^[\x21-\x7e]+$/.test(text)) return text;
  throw new RangeError(
    `${name} holds a space, a line break or another character that no key has: copy it again`,
  );
}

export function otlpEndpoint(text: string | undefined): string | undefined {
  return text === undefined ? undefined : httpAddress('OTEL_EXPORTER_OTLP_ENDPOINT', text);
}

/** Lines of `Name: value`; what is none is left out, as the SDK does. */
export function customHeaders(text = ''): Record<string, string> {
  const lines = text.split('\n').flatMap(line => {
    const colon = line.indexOf(':');
    return colon < 1 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const];
  });
  for (const [name, value] of lines) {
    if (!isHeader(name, value))
      throw new RangeError(
        `ANTHROPIC_CUSTOM_HEADERS cannot be sent: correct the name or the value of ${name}`,
      );
  }
  return Object.fromEntries(lines);
}

function isHeader(name: string, value: string): boolean {
  try {
    return new Headers([[name, value]]).has(name);
  } catch {
    return false;
  }
}

/** It stands in the path of each request for work. */
export function environmentId(text: string | undefined): string | undefined {
  if (text === undefined || /^[\w.-]*[\w-]$/.test(text)) return text;
  throw new RangeError('ANTHROPIC_ENVIRONMENT_ID is not the id of an environment: write env_…');
}

export interface ClaimedItem {
  readonly workId: string | undefined;
  readonly sessionId: string | undefined;
  /** Never logged. */
  readonly secret: string | undefined;
  readonly lastHeartbeat: string | undefined;
}

export function claimedItem(get: (name: string) => string | undefined): ClaimedItem {
  return {
    workId: get('ANTHROPIC_WORK_ID'),
    sessionId: get('ANTHROPIC_SESSION_ID'),
    secret: get('ANTHROPIC_WORK_SECRET'),
    lastHeartbeat: get('ANTHROPIC_WORK_LAST_HEARTBEAT'),
  };
}

/** Row 73: the SDK refuses less. */
const SHORTEST_SYNC_MS = 5_000;

/** @returns null: memory stores are not mounted. */
export function memorySyncMs(name: string, text: string): number | null {
  const ms = milliseconds(name, text);
  if (ms === 0 || ms >= SHORTEST_SYNC_MS) return ms === 0 ? null : ms;
  throw new RangeError(`${name} is ${text}: write 0 (no memory stores) or at least 5s`);
}

export function memoryDeletions(name: string, text = 'enabled'): MountRequest['memoryDeletions'] {
  if (text === 'enabled' || text === 'log_only' || text === 'disabled') return text;
  throw new RangeError(`${name} is ${text}: write enabled, log_only or disabled`);
}
