/** What the doctor finds: one line for people, one object for programs. */
import { errorLine } from '../error-text.ts';

export interface Finding {
  /** What was looked at, two words at most. */
  readonly check: string;
  /** `skipped`: it could not be looked at, because of what another line says. */
  readonly state: 'ok' | 'warning' | 'broken' | 'skipped';
  readonly found: string;
  /** What to do. */
  readonly mend?: string;
}

type Maker = (check: string, found: string) => Finding;
type MendingMaker = (check: string, found: string, mend: string) => Finding;

export const ok: Maker = (check, found) => ({ check, state: 'ok', found });
export const skipped: Maker = (check, found) => ({ check, state: 'skipped', found });
export const broken: MendingMaker = (check, found, mend) => ({ check, state: 'broken', found, mend });
export const warning: MendingMaker = (check, found, mend) => ({ check, state: 'warning', found, mend });

/** A check that hangs or throws is a finding of its own; it never keeps the others from being told. */
export async function limited(
  check: string,
  limitMs: number,
  work: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>(resolve => {
    const found = `no answer within ${limitMs / 1000} s`;
    timer = setTimeout(() => resolve([broken(check, found, 'look why it hangs, and ask again')]), limitMs);
  });
  const thrown = (error: unknown) => [
    broken(check, `could not be looked at: ${oneLine(error)}`, 'this is an error of the doctor itself'),
  ];
  try {
    return await Promise.race([work().catch(thrown), late]);
  } finally {
    clearTimeout(timer);
  }
}

export function oneLine(error: unknown): string {
  return errorLine(error).slice(0, 300);
}
