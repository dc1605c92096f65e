/** The sessions of a crowd: most just call tools, one in ten waits for a person, one in ten is interrupted. */
import type { Agent } from '../../emulator/agent.ts';
import type { WorkInput } from '../chaos/tools.ts';

export type Part = 'plain' | 'allowed' | 'denied' | 'interrupted';

/** A call that an agent makes, and what is to become of it. */
export interface PlannedCall {
  readonly label: string;
  readonly fate: 'answered' | 'denied' | 'interrupted';
}

export interface Member {
  readonly name: string;
  readonly part: Part;
  readonly calls: readonly PlannedCall[];
  readonly script: (agent: Agent) => Promise<void>;
}

/** Longer than any crowd lasts: only an interrupt ends it. */
const ENDLESS_MS = 3_600_000;
const WORK_MS = 200;

export function membersOf(sessions: number): Member[] {
  return Array.from({ length: sessions }, (_, i) => member(`s${i + 1}`, partOf(i)));
}

function partOf(i: number): Part {
  if (i % 10 === 3) return i % 20 === 3 ? 'allowed' : 'denied';
  return i % 10 === 7 ? 'interrupted' : 'plain';
}

function member(name: string, part: Part): Member {
  const [first, second, last] = [`${name}-1`, `${name}-2`, `${name}-3`] as const;
  const answered = (label: string): PlannedCall => ({ label, fate: 'answered' });
  switch (part) {
    case 'plain':
      return {
        ...{ name, part, calls: [first, second, last].map(answered) },
        script: async agent => {
          await agent.calls([
            { name: 'work', input: work(first) },
            { name: 'work', input: work(second) },
          ]);
          await agent.call('work', work(last));
        },
      };
    case 'allowed':
    case 'denied':
      return {
        ...{ name, part },
        calls: [{ label: first, fate: part === 'denied' ? 'denied' : 'answered' }, answered(last)],
        script: async agent => {
          await agent.ask('work', work(first), { kind: 'builtin' });
          await agent.call('work', work(last));
        },
      };
    case 'interrupted':
      return {
        ...{ name, part, calls: [{ label: first, fate: 'interrupted' }, answered(last)] },
        script: async agent => {
          await agent.call('work', { ...work(first), prepareMs: ENDLESS_MS });
          await agent.idle();
          await agent.call('work', work(last));
        },
      };
    default:
      return part satisfies never;
  }
}

function work(label: string): WorkInput {
  return { label, prepareMs: 0, ms: WORK_MS };
}
