/** A session's timeline in characters: one bar a call, and what its marks mean. Pure. */
import { lasted } from '../session/lasted.ts';
import { oneLine } from '../session/summary.ts';
import type { Mark, MarkKind, Segment, SegmentKind, Timeline, TimelineRow } from '../timeline/timeline.ts';
import { fitted, textWidth } from './text-width.ts';

export type Style = 'gray' | 'yellow' | 'green' | 'blue' | 'red' | 'cyan';

export interface Look {
  /** Columns that may be used. */
  readonly width: number;
  /** Whether more than ASCII can be shown. */
  readonly unicode: boolean;
  paint(style: Style, text: string): string;
}

interface Sign {
  readonly unicode: string;
  readonly ascii: string;
  readonly style: Style;
  readonly word: string;
}

const SEGMENTS: Readonly<Record<SegmentKind, Sign>> = {
  waiting: { unicode: '·', ascii: '.', style: 'gray', word: 'waiting' },
  held: { unicode: '░', ascii: '-', style: 'yellow', word: 'held' },
  running: { unicode: '█', ascii: '#', style: 'green', word: 'running' },
  posting: { unicode: '▓', ascii: '>', style: 'blue', word: 'posting' },
};

/** The weightiest last: of several in one place it is shown. */
const MARKS: Readonly<Record<MarkKind, Sign>> = {
  allowed: { unicode: '✓', ascii: '+', style: 'cyan', word: 'allowed' },
  'started-again': { unicode: '²', ascii: '2', style: 'cyan', word: 'started again' },
  reattached: { unicode: '↻', ascii: '@', style: 'cyan', word: 'attached again' },
  denied: { unicode: '✗', ascii: 'x', style: 'red', word: 'denied' },
  interrupted: { unicode: '!', ascii: '!', style: 'red', word: 'interrupted' },
  stopped: { unicode: '■', ascii: 'S', style: 'red', word: 'stopped' },
  unknown: { unicode: '?', ascii: '?', style: 'red', word: 'end unknown' },
};
const WEIGHTS = Object.keys(MARKS);

const LEAST_BAR = 10;
const LABEL = 40;
const ROWS = 100;
const MARK_LINES = 20;

/** Lines that fit into the width; none where nothing has a time. */
export function timelineLines(timeline: Timeline, look: Look): string[] {
  const timed = timeline.rows.filter(row => row.segments.length > 0);
  if (timed.length === 0) return [];
  const rows = timed.slice(-ROWS);
  const label = Math.min(
    LABEL,
    Math.floor(look.width / 3),
    Math.max(...rows.map(row => textWidth(oneLine(row.summary)))),
  );
  const state = Math.max(...rows.map(row => row.state.length));
  const bar = Math.max(LEAST_BAR, look.width - label - state - 4);
  const scale = { from: timeline.from, span: timeline.to - timeline.from, cells: bar };
  const ellipsis = look.unicode ? '…' : '~';
  const lines = rows.map(row => {
    const head = `${fitted(oneLine(row.summary), label, ellipsis)}  ${row.state.padEnd(state)}  `;
    return (head + cellsOf(row, scale, look)).trimEnd();
  });
  const margin = ' '.repeat(label + state + 4);
  const axis = margin + ends(timeline, bar);
  const interrupts = timeline.interrupts.map(({ at }) => ({ kind: 'interrupted' as const, at, text: '' }));
  return [
    ...(timed.length > rows.length ? [`(${timed.length - rows.length} earlier calls are not drawn)`] : []),
    axis.trimEnd(),
    ...(interrupts.length === 0
      ? []
      : [
          `${fitted('interrupts', margin.length)}${overlay(blank(bar), interrupts, scale, look).join('')}`.trimEnd(),
        ]),
    ...lines,
    legend(rows, look),
    ...markLines(rows, look),
  ];
}

interface Scale {
  readonly from: number;
  readonly span: number;
  readonly cells: number;
}

function edge(time: number, { from, span, cells }: Scale): number {
  return span === 0 ? 0 : Math.round(((time - from) / span) * cells);
}

function cellsOf(row: TimelineRow, scale: Scale, look: Look): string {
  const cells = blank(scale.cells);
  const short: Segment[] = [];
  for (const segment of row.segments) {
    const [from, to] = [edge(segment.from, scale), edge(segment.to, scale)];
    if (to === from) short.push(segment);
    cells.fill(sign(SEGMENTS[segment.kind], look, row.isError), from, to);
  }
  // What is shorter than a column has one all the same, and a run goes before a wait.
  short.sort((a, b) => Number(a.kind === 'running') - Number(b.kind === 'running'));
  for (const { kind, from } of short)
    cells[Math.min(edge(from, scale), scale.cells - 1)] = sign(SEGMENTS[kind], look, row.isError);
  return overlay(cells, row.marks, scale, look).join('');
}

function overlay(cells: string[], marks: readonly Mark[], scale: Scale, look: Look): string[] {
  for (const { kind, at } of byWeight(marks))
    cells[Math.min(edge(at, scale), scale.cells - 1)] = sign(MARKS[kind], look);
  return cells;
}

function byWeight(marks: readonly Mark[]): Mark[] {
  return marks.toSorted((a, b) => WEIGHTS.indexOf(a.kind) - WEIGHTS.indexOf(b.kind));
}

function blank(cells: number): string[] {
  return new Array<string>(cells).fill(' ');
}

function sign({ unicode, ascii, style }: Sign, look: Look, isError = false): string {
  return look.paint(isError && style === 'green' ? 'red' : style, look.unicode ? unicode : ascii);
}

/** `2026-11-22 00:12:03Z        +4 min 7 s`: when it begins, and how long it is. */
function ends({ from, to }: Timeline, bar: number): string {
  const length = `+${lasted(to - from)}`;
  const begin = `${new Date(from).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return begin + length.padStart(Math.max(length.length + 1, bar - begin.length));
}

function legend(rows: readonly TimelineRow[], look: Look): string {
  const segments = new Set(rows.flatMap(row => row.segments.map(({ kind }) => kind)));
  const marks = new Set(rows.flatMap(row => row.marks.map(({ kind }) => kind)));
  const used = [
    ...Object.entries(SEGMENTS).filter(([kind]) => segments.has(kind as SegmentKind)),
    ...Object.entries(MARKS).filter(([kind]) => marks.has(kind as MarkKind)),
  ];
  return used.map(([, each]) => `${sign(each, look)} ${each.word}`).join('  ');
}

/** What the marks mean, the newest of them. */
function markLines(rows: readonly TimelineRow[], look: Look): string[] {
  const all = rows
    .flatMap(row => row.marks.map(mark => ({ ...mark, summary: row.summary })))
    .sort((a, b) => a.at - b.at);
  return all.slice(-MARK_LINES).map(({ kind, at, text, summary }) => {
    const time = new Date(at).toISOString().slice(11, 19);
    return `${sign(MARKS[kind], look)} ${time}Z  ${oneLine(summary)}: ${oneLine(text)}`;
  });
}
