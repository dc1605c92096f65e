/** What an agent does in one round: calls of all kinds at once, so that many are in flight in every phase. */
import { join } from 'node:path';
import { effectsFile } from './effects.ts';
import type { Random } from './random.ts';
import { answerOf, type WorkInput } from './tools.ts';

/** How the effect of a call is counted. */
export type Effect =
  /** Lines in the effects ledger. */
  | { readonly kind: 'line' }
  /** The same; its tool is declared idempotent, so a dead tool host may start it again. */
  | { readonly kind: 'repeatable-line' }
  /** Lines in a file of the workspace that an edit adds to, or that a write leaves. */
  | { readonly kind: 'file'; readonly path: string }
  /** Starts that its host, or the SDK's runner, has noted: the tool is the user's. */
  | { readonly kind: 'starts'; readonly isRepeatable: boolean }
  | { readonly kind: 'none' };

export interface MixedCall {
  /** Unique in the run. */
  readonly label: string;
  readonly name: string;
  readonly input: object;
  readonly effect: Effect;
  /** Text that its answer begins with; undefined: whatever it is. */
  readonly answer: { readonly isError: boolean; readonly includes: string } | undefined;
}

export interface CallMix {
  /** The calls of a session's first round: what the others build on. */
  first(): MixedCall[];
  round(): MixedCall[];
}

const EDITED = 'log.md';
const END = 'END';
/** Above 256 kB a result is kept in the journal and posted from its host. */
const LARGE_BYTES = [262_144, 400_000] as const;

type Kind = 'work' | 'late' | 'again' | 'fail' | 'large' | 'bash' | 'long' | 'write' | 'edit' | 'read';

const WEIGHTS: Readonly<Record<Kind, number>> = {
  work: 30,
  late: 28,
  again: 10,
  fail: 6,
  large: 4,
  bash: 12,
  long: 2,
  write: 4,
  edit: 4,
  read: 2,
};

/** @param session names the session in labels. */
export function createCallMix(session: string, folder: string, random: Random): CallMix {
  let count = 0;
  const make = (kind: Kind): MixedCall => {
    const label = `${session}-${++count}`;
    const done = { isError: false, includes: answerOf(label) };
    const custom = (name: string, input: object, effect: Effect = { kind: 'line' }): MixedCall => ({
      label,
      name,
      input: { label, ...input },
      effect,
      answer: done,
    });
    const work = (prepareMs = 0): Omit<WorkInput, 'label'> => ({ prepareMs, ms: random.int(20, 1_500) });
    const bash = (seconds: number): MixedCall => {
      // Silent while it sleeps: writing to a dead runner's pipe would end the shell, and hide what it does later.
      const command = `echo '${label}' >> '${effectsFile(folder)}'; sleep ${seconds}; echo '${answerOf(label)}'`;
      return { label, name: 'bash', input: { command }, effect: { kind: 'line' }, answer: done };
    };
    switch (kind) {
      case 'work':
        return custom('work', work());
      case 'late':
        return custom('work', work(random.int(300, 3_000)));
      case 'again':
        return custom('work_again', work(random.int(0, 400)), { kind: 'repeatable-line' });
      case 'fail':
        return { ...custom('fail', work()), answer: { isError: true, includes: answerOf(label) } };
      case 'large':
        return custom('large', { bytes: random.int(...LARGE_BYTES) });
      case 'bash':
        return bash(random.int(0, 5) / 10);
      case 'long':
        return bash(random.int(20, 40) / 10);
      case 'write':
        return file('write', label, join('notes', `${label}.md`), { content: `${label}\n` });
      case 'edit':
        return file('edit', label, EDITED, { old_string: END, new_string: `${label}\n${END}` });
      case 'read':
        return { ...file('read', label, EDITED), effect: { kind: 'none' } };
    }
  };
  return {
    first: () => [{ ...file('write', `${session}-0`, EDITED, { content: `${session}-0\n${END}\n` }) }],
    round: () => Array.from({ length: random.int(3, 11) }, () => make(random.weighted(WEIGHTS))),
  };
}

function file(name: string, label: string, path: string, input: object = {}): MixedCall {
  // Whatever they answer: an edit has nothing to edit where the first write's end is not known.
  return {
    label,
    name,
    input: { file_path: path, ...input },
    effect: { kind: 'file', path },
    answer: undefined,
  };
}
