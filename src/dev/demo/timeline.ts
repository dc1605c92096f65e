/** The calls of a session as text bars over time, the worker's life above them. Pure. */

/** Unix ms; undefined: not yet. */
export interface Span {
  readonly from: number;
  readonly to: number | undefined;
}

export interface TimelineCall {
  readonly label: string;
  readonly emittedAt: number;
  /** Each time its tool was started; `to` is when the runner learned of the end. */
  readonly runs: readonly Span[];
  readonly postedAt: number | undefined;
  /** How often it took effect. */
  readonly effects: number;
}

export interface Timeline {
  readonly calls: readonly TimelineCall[];
  /** When the runner's processes listened to the session. */
  readonly up: readonly Span[];
  readonly killedAt: number | undefined;
  readonly endedAt: number;
}

export type Paint = (style: 'green' | 'cyan' | 'gray' | 'red', text: string) => string;

const LABEL = 26;
const BARS = 43;

type Cell = 'blank' | 'waiting' | 'running' | 'posting' | 'up' | 'down' | 'kill';

const LOOKS: Readonly<Record<Cell, readonly [sign: string, style: Parameters<Paint>[0] | undefined]>> = {
  blank: [' ', undefined],
  waiting: ['·', 'gray'],
  running: ['█', 'green'],
  posting: ['░', 'cyan'],
  up: ['─', 'green'],
  down: ['·', 'red'],
  kill: ['✕', 'red'],
};

/** Lines of at most 80 columns. */
export function renderTimeline(timeline: Timeline, paint: Paint): string[] {
  const { calls, endedAt, killedAt } = timeline;
  const start = Math.min(endedAt, ...calls.map(call => call.emittedAt));
  const scale = new Scale(start, Math.max(endedAt, start + 1));
  const draw = (cells: readonly Cell[]) =>
    groups(cells)
      .map(group => look(group, paint))
      .join('');
  const worker = scale.row();
  scale.fill(worker, 'down', start, endedAt);
  for (const { from, to } of timeline.up) scale.fill(worker, 'up', from, to ?? endedAt);
  if (killedAt !== undefined) worker[scale.at(killedAt)] = 'kill';
  return [
    `${' '.repeat(LABEL)}${scale.axis()}`.trimEnd(),
    `${'worker'.padEnd(LABEL)}${draw(worker)}`,
    ...calls.map(
      call => `${labelCell(call.label)}${draw(cellsOf(call, timeline, scale))} ${tail(call, paint)}`,
    ),
    '',
    legend(calls, paint),
  ];
}

function cellsOf(call: TimelineCall, { endedAt, killedAt }: Timeline, scale: Scale): Cell[] {
  const cells = scale.row();
  const last = call.postedAt ?? endedAt;
  scale.fill(cells, 'waiting', call.emittedAt, last);
  const end = call.runs.at(-1)?.to;
  if (end !== undefined) scale.fill(cells, 'posting', end, last);
  for (const { from, to } of call.runs) scale.fill(cells, 'running', from, to ?? last);
  const caught = killedAt !== undefined && call.emittedAt < killedAt && killedAt < last;
  if (caught) cells[scale.at(killedAt)] = 'kill';
  return cells;
}

function tail(call: TimelineCall, paint: Paint): string {
  if (call.postedAt === undefined) return paint('red', 'no result');
  const took = call.postedAt - call.emittedAt;
  const time = took < 1000 ? `${took} ms` : `${(took / 1000).toFixed(1)} s`;
  return call.effects > 1 ? `${time} ${paint('red', `×${call.effects}`)}` : time;
}

function legend(calls: readonly TimelineCall[], paint: Paint): string {
  const parts = [
    [LOOKS.waiting, 'waiting'],
    [LOOKS.running, 'running'],
    [LOOKS.posting, 'posting'],
    [LOOKS.kill, 'worker killed'],
    ...(calls.some(call => call.effects > 1) ? ([[['×n', 'red'], 'took effect n times']] as const) : []),
  ] as const;
  return parts.map(([[sign, style], text]) => `${style ? paint(style, sign) : sign} ${text}`).join('   ');
}

class Scale {
  readonly #start: number;
  readonly #perCell: number;

  constructor(start: number, end: number) {
    this.#start = start;
    this.#perCell = (end - start) / BARS;
  }

  row(): Cell[] {
    return Array.from({ length: BARS }, () => 'blank' as const);
  }

  at(time: number): number {
    return Math.min(BARS - 1, Math.max(0, Math.floor((time - this.#start) / this.#perCell)));
  }

  /** Whatever lasted, however short, gets a cell. */
  fill(cells: Cell[], cell: Cell, from: number, to: number): void {
    cells.fill(cell, this.at(from), this.at(to) + 1);
  }

  /** Seconds, as many as have room. */
  axis(): string {
    const seconds = (this.#perCell * BARS) / 1000;
    const step = [1, 2, 5, 10, 20, 30, 60].find(size => seconds / size <= 7) ?? Math.ceil(seconds / 7);
    let line = '';
    for (let second = 0; second <= seconds; second += step) {
      const column = this.at(this.#start + second * 1000);
      if (column + `${second} s`.length <= BARS) line = `${line.padEnd(column)}${second} s`;
    }
    return line;
  }
}

function groups(cells: readonly Cell[]): { cell: Cell; length: number }[] {
  const found: { cell: Cell; length: number }[] = [];
  for (const cell of cells) {
    const last = found.at(-1);
    if (last?.cell === cell) last.length++;
    else found.push({ cell, length: 1 });
  }
  return found;
}

function look({ cell, length }: { cell: Cell; length: number }, paint: Paint): string {
  const [sign, style] = LOOKS[cell];
  const text = sign.repeat(length);
  return style === undefined ? text : paint(style, text);
}

function labelCell(label: string): string {
  const room = LABEL - 1;
  return (label.length > room ? `${label.slice(0, room - 1)}…` : label).padEnd(LABEL);
}
