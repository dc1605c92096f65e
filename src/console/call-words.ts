/** How a call stands, in a word with its colour and in a sentence. */
import { untakenMs } from '../client/pending-work.ts';
import { oneLine } from '../session/summary.ts';
import type { CallDetail } from '../workflows/messages.ts';
import type { SessionReading } from './source.ts';

export interface CallWords {
  readonly word: string;
  /** Undefined: the word's own. */
  readonly tone: 'bad' | undefined;
  /** A few words, for a row. */
  readonly why: string;
  /** For the call's own page. */
  readonly sentence: string;
}

export function callWords(call: CallDetail, { pending }: SessionReading, now: number): CallWords {
  const { state, why, unfinished, posted, isError } = call;
  const told = { word: state, tone: undefined, why, sentence: sentenceOf(why) };
  const work = pending.find(({ type, id }) => type === 'runTool' && id === call.id);
  if (state === 'running' && work !== undefined && untakenMs(work, now) > 0)
    return {
      ...{ word: 'not heard of', tone: 'bad', why: 'its host takes no work' },
      sentence: 'Its host takes no work, so whether it still runs is not known.',
    };
  if (unfinished === 'unknown')
    return {
      ...{ word: 'unknown', tone: 'bad', why: posted ? 'the agent was told so' : why },
      sentence:
        'Nobody knows how it ended: what ran it was killed, or its machine was lost. It was not run again' +
        (posted ? ', and the agent was told so with the evidence.' : `; ${why}.`),
    };
  if (unfinished === 'stopped')
    return { ...told, word: 'stopped', sentence: `It was stopped before it ended; ${why}.` };
  if (state === 'settled' && posted && isError)
    return {
      ...told,
      word: 'error',
      tone: 'bad',
      sentence: 'It ended with an error, which was posted as its result.',
    };
  if (state === 'settled' && posted) return { ...told, sentence: 'Its result was posted.' };
  return told;
}

function sentenceOf(why: string): string {
  const line = oneLine(why);
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}.`;
}
