/**
 * Seals what a workflow's history may hold but nobody may read there (design §7, I9): AES-256-GCM with the key of
 * the deployment.
 */
import { decrypt, encrypt, isSealed } from './aes-gcm.ts';
import { type Key, type KeyRing, SealingError } from './key-ring.ts';

export interface Sealing {
  /** @param context what it belongs to (a session's id): it opens with the same context only. */
  seal(text: string, context: string): string;
  /** @throws SealingError for another key, another context, and what is torn or was never sealed. */
  open(sealed: string, context: string): string;
}

const VERSION = 'hf1';

/** @param all what opens, by key id. */
export function createSealing(current: Key, all: KeyRing['all'] = new Map([[current.id, current]])): Sealing {
  return {
    seal(text, context) {
      const sealed = encrypt(current.secret, Buffer.from(text), context);
      return `${VERSION}.${current.id}.${sealed.toString('base64url')}`;
    },
    open(sealed, context) {
      const [version, sealedBy = '', body = '', ...more] = sealed.split('.');
      const bytes = Buffer.from(body, 'base64url');
      if (version !== VERSION || more.length > 0 || !isSealed(bytes))
        throw new SealingError('what should be sealed is not, or is torn');
      const key = all.get(sealedBy);
      if (key === undefined)
        throw new SealingError(
          `it was sealed with key ${sealedBy}, this worker has ${[...all.keys()].join(', ')}: ` +
            'set the same HOLDFAST_KEY on all workers',
        );
      try {
        return decrypt(key.secret, bytes, context).toString('utf8');
      } catch {
        throw new SealingError('it was sealed for another session, or was changed since');
      }
    },
  };
}
