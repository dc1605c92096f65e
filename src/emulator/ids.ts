import { randomUUID } from 'node:crypto';

/** The id prefixes of api.md §1.1 that the emulator gives out. */
export type IdPrefix = 'sesn' | 'sevt' | 'sthr' | 'agent' | 'env' | 'outc' | 'req';

/** A unique id such as `sevt_01…`; clients must take it as opaque. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_01${randomUUID().replaceAll('-', '').slice(0, 22)}`;
}
