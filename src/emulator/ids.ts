import { randomUUID } from 'node:crypto';

/** The id prefixes of api.md §1.1 that the emulator gives out. */
export type IdPrefix =
  | 'sesn'
  | 'sevt'
  | 'sthr'
  | 'agent'
  | 'env'
  | 'work'
  | 'hc'
  | 'memstore'
  | 'mem'
  | 'memver'
  | 'skillver'
  | 'skill'
  | 'outc'
  | 'req';

/** A unique id such as `sevt_01…`; clients must take it as opaque. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_01${randomUUID().replaceAll('-', '').slice(0, 22)}`;
}

/** A unique credential such as `sk-ant-req-01…`. */
export function newSecret(prefix: 'sk-ant-oat01' | 'sk-ant-req'): string {
  return `${prefix}-${randomUUID().replaceAll('-', '')}`;
}
