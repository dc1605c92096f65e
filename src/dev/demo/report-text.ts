/** The demo's report for people and for programs. Pure. */
import type { DemoReport } from './run-demo.ts';
import { type Paint, renderTimeline, type Timeline } from './timeline.ts';
import { verdictLine } from './verdict.ts';

const RUNNERS = { holdfast: 'A Holdfast worker', sdk: 'The SDK’s runner' } as const;

/** Lines of at most 80 columns; the last one is the verdict. */
export function reportText(report: DemoReport, paint: Paint): string {
  const { verdict, timeline, runner } = report;
  const lines = [
    'A scripted agent mends a project with real tools, releases it, and mails four',
    `customers. ${RUNNERS[runner]} runs its calls${killText(timeline)}`,
  ];
  if (timeline.calls.length > 0) lines.push('', ...renderTimeline(timeline, paint));
  if (verdict.problems.length > 0) lines.push('', 'What was wrong:');
  for (const problem of verdict.problems) lines.push(`  - ${problem}`);
  lines.push('', paint(verdict.ok ? 'green' : 'red', verdictLine(verdict)));
  return `${lines.join('\n')}\n`;
}

/** The rest of the sentence, with its line break. */
function killText({ calls, killedAt }: Timeline): string {
  const begun = calls[0]?.emittedAt;
  if (killedAt === undefined || begun === undefined) return '.';
  const caught = calls.filter(call => call.emittedAt < killedAt && (call.postedAt ?? killedAt) >= killedAt);
  const [only] = caught;
  let what = `while it had ${caught.length} calls`;
  if (only === undefined) what = 'between two calls';
  else if (caught.length === 1) what = `in the middle of "${only.label.replace(/ +/g, ' ')}"`;
  const seconds = ((killedAt - begun) / 1000).toFixed(1);
  return `; it is killed with SIGKILL\nafter ${seconds} s, ${what}, and started again at once.`;
}

/** What `--json` prints. Times in ms since the agent began. */
export function reportFigures({ runner, verdict, timeline, sessionId, temporal }: DemoReport) {
  const begun = timeline.calls[0]?.emittedAt ?? timeline.endedAt;
  const { killedAt, endedAt, calls } = timeline;
  return {
    ...verdict,
    runner,
    session: sessionId,
    temporal: temporal?.address ?? null,
    killedAtMs: killedAt === undefined ? null : killedAt - begun,
    tookMs: endedAt - begun,
    timeline: calls.map(call => ({
      call: call.label.replace(/ +/g, ' '),
      emittedAtMs: call.emittedAt - begun,
      runs: call.runs.map(({ from, to }) => [from - begun, to === undefined ? null : to - begun]),
      postedAtMs: call.postedAt === undefined ? null : call.postedAt - begun,
      effects: call.effects,
    })),
  };
}
