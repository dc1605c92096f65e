/** Settings of what people on duty are told, as text: what is not usable is a RangeError that says what to write. */
import { Webhook } from 'standardwebhooks';
import { milliseconds } from './duration.ts';
import { toolCommand } from './tool-settings.ts';

export interface NoticeSettings {
  /** Where notices are posted to. May hold credentials: never logged whole. */
  readonly url: string | undefined;
  /** Each notice is signed with all of them, so that one can be exchanged. Never logged. */
  readonly secrets: readonly string[];
  /** A program and its arguments. */
  readonly command: readonly string[] | undefined;
  /** Most notices of a worker a minute, for each of the two. */
  readonly perMinute: number;
  /** What a receiver, or the program, may take. */
  readonly timeoutMs: number;
  /** After how long without progress a session counts as stuck; 0: none does. */
  readonly stuckAfterMs: number;
}

/** An attempt at a notice may last a minute (workflows/activity-options.ts). */
const LONGEST_MS = 45_000;

export function noticeSettings(get: (name: string) => string | undefined): NoticeSettings {
  const url = noticeUrl(get('HOLDFAST_NOTIFY_URL'));
  const secrets = noticeSecrets(get('HOLDFAST_NOTIFY_SECRET'));
  if (url !== undefined && secrets.length === 0)
    throw new RangeError(
      'HOLDFAST_NOTIFY_URL needs HOLDFAST_NOTIFY_SECRET, so that the receiver can tell who speaks: ' +
        'write whsec_ and the output of `openssl rand -base64 32`',
    );
  return {
    url,
    secrets,
    command: toolCommand(get('HOLDFAST_NOTIFY_COMMAND'), 'HOLDFAST_NOTIFY_COMMAND'),
    perMinute: perMinute(get('HOLDFAST_NOTIFY_PER_MINUTE') ?? '60'),
    timeoutMs: timeout(get('HOLDFAST_NOTIFY_TIMEOUT') ?? '10s'),
    stuckAfterMs: stuckAfter(get('HOLDFAST_STUCK_AFTER') ?? '5m'),
  };
}

/** The value is not shown: the address itself is often the credential. */
function noticeUrl(text: string | undefined): string | undefined {
  if (text === undefined || (URL.canParse(text) && /^https?:\/\//i.test(text))) return text;
  throw new RangeError('HOLDFAST_NOTIFY_URL is not an http(s) address: write https://host/path');
}

function noticeSecrets(text = ''): string[] {
  const secrets = text.split(/[\s,]+/).filter(secret => secret !== '');
  for (const secret of secrets) {
    if (!isSecret(secret))
      throw new RangeError(
        'HOLDFAST_NOTIFY_SECRET is no signing secret: write whsec_ and 24 to 64 bytes as base64',
      );
  }
  return secrets;
}

function isSecret(secret: string): boolean {
  const text = secret.replace(/^whsec_/, '');
  const bytes = Buffer.from(text, 'base64');
  try {
    new Webhook(secret);
  } catch {
    return false;
  }
  return bytes.length >= 24 && bytes.length <= 64;
}

function perMinute(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value;
  throw new RangeError(`HOLDFAST_NOTIFY_PER_MINUTE is ${text}: write a whole number from 1 to 10000`);
}

function timeout(text: string): number {
  const ms = milliseconds('HOLDFAST_NOTIFY_TIMEOUT', text);
  if (ms >= 100 && ms <= LONGEST_MS) return ms;
  throw new RangeError(`HOLDFAST_NOTIFY_TIMEOUT is ${text}: write 100ms to ${LONGEST_MS / 1_000}s`);
}

function stuckAfter(text: string): number {
  const ms = milliseconds('HOLDFAST_STUCK_AFTER', text);
  if (ms === 0 || ms >= 1_000) return ms;
  throw new RangeError(`HOLDFAST_STUCK_AFTER is ${text}: write 0 (never) or at least 1s`);
}
