/**
 * A session as published traces of coding agents have them: 82 calls of bash and of the file tools, with outputs of
 * 9.5 kB on average, many short and few long. The same calls in each repetition and for each peer.
 */
import { createRandom } from '../../src/dev/chaos/random.ts';
import { measure } from '../meter.ts';
import { type PlannedCall, serially } from '../player.ts';
import { MEDIAN_TIME } from './keys.ts';
import { ALL_MODES, EVERYBODY, type Workload } from './workload.ts';

const CALLS = 82;
const MEAN_BYTES = 9_500;
const LIMIT_MS = 180_000;
/** How many of ten calls are of which tool. */
const MIX = ['bash', 'bash', 'bash', 'bash', 'bash', 'read', 'read', 'grep', 'edit', 'write'] as const;

/** @param part keeps the files of repetitions apart. */
export function traceCalls(part: string, count = CALLS): PlannedCall[] {
  const random = createRandom(82, 'trace');
  const names = Array.from({ length: count }, () => random.pick(MIX));
  const sizes = outputSizes(count, random);
  const file = `${part}.txt`;
  let edits = 0;
  return names.map((name, i): PlannedCall => {
    const bytes = sizes[i] ?? MEAN_BYTES;
    switch (name) {
      case 'bash':
        return { name, input: { command: `head -c ${bytes} corpus.txt` } };
      case 'read':
        return { name, input: { file_path: 'corpus.txt', view_range: [1, Math.ceil(bytes / LINE_BYTES)] } };
      case 'grep':
        return { name, input: { pattern: `line 0?${i % 10}`, path: 'corpus.txt' } };
      case 'write':
        return { name, input: { file_path: `${part}-${i}.txt`, content: 'y'.repeat(bytes) } };
      case 'edit':
        return {
          name,
          input: { file_path: file, old_string: `edit ${edits}.`, new_string: `edit ${++edits}.` },
        };
      default:
        return name satisfies never;
    }
  });
}

const LINE_BYTES = 64;

/** What a session begins with: the file that its calls read, and the one that they edit. */
export function traceStart(part: string): PlannedCall[] {
  const corpus = Array.from({ length: 1_000 }, (_, i) => `line ${i} `.padEnd(LINE_BYTES - 1, '.')).join('\n');
  return [
    { name: 'write', input: { file_path: 'corpus.txt', content: `${corpus}\n` } },
    { name: 'write', input: { file_path: `${part}.txt`, content: 'edit 0.\n' } },
  ];
}

/** Half of them short, a few very long, `MEAN_BYTES` on average. */
export function outputSizes(count: number, random: { int(least: number, most: number): number }): number[] {
  const raw = Array.from({ length: count }, () => Math.exp(random.int(0, 6_000) / 1_000));
  const mean = raw.reduce((sum, value) => sum + value, 0) / count;
  return raw.map(value => Math.max(1, Math.round((value / mean) * MEAN_BYTES)));
}

export const agentTrace: Workload = {
  name: 'agent-trace',
  title: `a coding agent’s session: ${CALLS} calls, 9.5 kB outputs`,
  peers: EVERYBODY,
  key: MEDIAN_TIME,
  sessions: { quick: 1, normal: 1, full: 1 },
  modes: ALL_MODES,
  limitMs: LIMIT_MS,
  prepare: async stage => {
    const [player] = await stage.players(1);
    if (player === undefined) throw new Error('no session');
    const count = { quick: 4, normal: CALLS, full: CALLS }[stage.mode];
    let repetition = 0;
    return async () => {
      const part = `part-${++repetition}`;
      await player.play(LIMIT_MS, agent => serially(agent, traceStart(part)));
      const calls = traceCalls(part, count);
      return measure(stage, [player.id], async () => {
        const times = await player.play(LIMIT_MS, agent => serially(agent, calls));
        return { times, calls: count };
      });
    };
  },
};
