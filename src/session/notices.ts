/** What an agent is told of things that happened to its tools' machine, in fixed words. */
import { type ContentBlock, textBlock } from './answers.ts';

/** The answer of a call whose outcome was kept on a host that is gone (§5). */
export const OUTPUT_LOST: { readonly isError: true; readonly content: readonly ContentBlock[] } = {
  isError: true,
  content: [
    textBlock(
      'This call ran to its end, but its output was lost before it could be delivered. ' +
        'What it did stands; it was not run again.',
    ),
  ],
};

/** Told once, beside the next result, when a session's tools go on without their past (§4, A lost host). */
export function movedNotice(to: 'same-host' | 'other-host'): string {
  return to === 'other-host'
    ? 'Note: the machine that held this session\u2019s files and shell is lost. The tools now run on another machine: ' +
        'files written before, running programs and the shell\u2019s state are gone. Check what is there before you rely on it.'
    : 'Note: the program that ran this session\u2019s tools was lost together with its records. The shell\u2019s state and ' +
        'programs started before are gone, and files may be. Check what is there before you rely on it.';
}
