/** Settings of the console, as text: what is not usable is a RangeError that names it and says what to write. */
import { isIP } from 'node:net';
import { httpAddress } from './api-settings.ts';

export interface ConsoleSettings {
  readonly port: number;
  /** The address it listens on. */
  readonly host: string;
  /** Undefined: a random one at each start. Never logged. */
  readonly token: string | undefined;
  /** Whether reading needs the token, too. */
  readonly readsNeedToken: boolean;
  /** Where people see Temporal's own UI; undefined: not known. */
  readonly temporalUi: string | undefined;
}

/** Short ones could be guessed by whoever reaches the port. */
const LEAST_TOKEN = 16;

export function consoleSettings(get: (name: string) => string | undefined): ConsoleSettings {
  const host = consoleHost(get('HOLDFAST_CONSOLE_HOST') ?? '127.0.0.1');
  const ui = get('HOLDFAST_TEMPORAL_UI');
  // Tools of another user are kept from what other sessions do: the console must not show it to them.
  const others = get('HOLDFAST_TOOL_USER') !== undefined || !isLoopback(host);
  return {
    port: consolePort(get('HOLDFAST_CONSOLE_PORT') ?? '8234'),
    host,
    token: consoleToken(get('HOLDFAST_CONSOLE_TOKEN')),
    readsNeedToken: readsNeedToken(get('HOLDFAST_CONSOLE_READ') ?? (others ? 'token' : 'open')),
    temporalUi: ui === undefined ? undefined : httpAddress('HOLDFAST_TEMPORAL_UI', ui).replace(/\/+$/, ''),
  };
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || host.startsWith('127.');
}

function consoleHost(text: string): string {
  if (isIP(text) !== 0 || text === 'localhost') return text;
  throw new RangeError(`HOLDFAST_CONSOLE_HOST is ${text}: write an IP address to listen on, 127.0.0.1`);
}

function consolePort(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new RangeError(`HOLDFAST_CONSOLE_PORT is ${text}: write a whole number from 0 (a free one) to 65535`);
}

function consoleToken(text: string | undefined): string | undefined {
  if (text === undefined || (text.length >= LEAST_TOKEN && /^[\w.~-]+$/.test(text))) return text;
  throw new RangeError(
    `HOLDFAST_CONSOLE_TOKEN must have at least ${LEAST_TOKEN} letters, digits, "-", "_", "." or "~": \`openssl rand -hex 24\` makes one`,
  );
}

function readsNeedToken(text: string): boolean {
  if (text === 'open' || text === 'token') return text === 'token';
  throw new RangeError(
    `HOLDFAST_CONSOLE_READ is ${text}: write open (anybody who reaches it may read) or token`,
  );
}
