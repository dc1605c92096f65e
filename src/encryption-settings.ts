/** Settings about encryption, as text: what is not usable is a RangeError that names it, and never repeats a key. */
import { errorText } from './error-text.ts';
import { parseKey } from './key-ring.ts';

export interface EncryptionTexts {
  /** Encrypts what histories hold; undefined: a key file in the state folder. Never logged. */
  readonly sealingKey: string | undefined;
  /** Only decrypt. Never logged. */
  readonly oldKeys: readonly string[];
  /** Whether whole payloads are encrypted, and not only credentials. */
  readonly encryptsPayloads: boolean;
  /** What the clients of `codec-server` must show; never logged. */
  readonly codecToken: string | undefined;
}

export function encryption(get: (name: string) => string | undefined): EncryptionTexts {
  const sealingKey = get('HOLDFAST_KEY');
  const oldKeys = (get('HOLDFAST_OLD_KEYS') ?? '').split(',').flatMap(text => text.trim() || []);
  if (sealingKey !== undefined) usable('HOLDFAST_KEY', sealingKey);
  for (const key of oldKeys) usable('HOLDFAST_OLD_KEYS', key);
  return {
    sealingKey,
    oldKeys,
    encryptsPayloads: encryptsPayloads(get('HOLDFAST_ENCRYPT')),
    codecToken: token('HOLDFAST_CODEC_TOKEN', get('HOLDFAST_CODEC_TOKEN')),
  };
}

function usable(name: string, key: string): void {
  try {
    parseKey(key, name);
  } catch (error) {
    throw new RangeError(errorText(error));
  }
}

function encryptsPayloads(text = 'off'): boolean {
  if (text === 'payloads' || text === 'off') return text === 'payloads';
  throw new RangeError(`HOLDFAST_ENCRYPT is ${text}: write payloads or off`);
}

/** Fewer could be guessed. */
const TOKEN_LENGTH = 16;

function token(name: string, text: string | undefined): string | undefined {
  if (text === undefined || (text.length >= TOKEN_LENGTH && /^[\x21-\x7e]+$/.test(text))) return text;
  throw new RangeError(
    `${name} is too short or holds spaces: write ${TOKEN_LENGTH} characters or more, such as \`openssl rand -hex 24\` prints`,
  );
}
