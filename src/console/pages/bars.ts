/** A call's row as SVG: a style of its own for each bar would need what the page's policy forbids. */
import { html } from 'hono/html';
import { lasted } from '../../session/lasted.ts';
import type { MarkKind, Timeline, TimelineRow } from '../../timeline/timeline.ts';
import type { Html } from '../fragments.ts';
import { percent, rowWords, type Scale } from '../timeline.ts';
import { clockWords } from '../words.ts';

const SIGNS: Readonly<Record<MarkKind, readonly [sign: string, name: string]>> = {
  allowed: ['✓', 'allowed'],
  denied: ['✗', 'denied'],
  reattached: ['↻', 'attached again'],
  'started-again': ['2', 'started again'],
  interrupted: ['!', 'interrupt'],
  stopped: ['■', 'stopped'],
  unknown: ['?', 'reported as unknown'],
};

/** The thinnest bar is still to be seen, in percent. */
const THIN = 0.25;

export function bars(row: TimelineRow, scale: Scale, now: number): Html {
  return html`<svg class="bars" role="img" aria-label="${rowWords(row, now)}" width="100%" height="22">
${row.segments.map(({ kind, from, to, open }) => {
  const x = Math.min(percent(from, scale), 100 - THIN);
  const width = Math.max(THIN, percent(to, scale) - x);
  return html`<rect class="${kind}${open ? ' open' : ''}" x="${x.toFixed(2)}%" width="${width.toFixed(2)}%" y="5" height="12" rx="2"><title>${kind} ${lasted(to - from)}</title></rect>`;
})}${row.marks.map(
  ({ kind, at, text }) =>
    html`<svg class="mark ${kind}" x="${percent(at, scale).toFixed(2)}%" overflow="visible"><title>${text}, ${clockOf(at, now)}</title><circle cy="11" r="7"/><text y="14.5" text-anchor="middle">${SIGNS[kind][0]}</text></svg>`,
)}</svg>`;
}

/** Interrupts of the whole session, or of a thread, as lines through the axis. */
export function interruptMarks({ interrupts }: Timeline, scale: Scale, now: number): Html {
  if (interrupts.length === 0) return '';
  return html`<svg class="bars interrupts" role="img" aria-label="${interrupts.map(({ at }) => `interrupt at ${clockOf(at, now)}`).join(', ')}" width="100%" height="14">${interrupts.map(
    ({ at, thread }) =>
      html`<svg class="mark interrupted" x="${percent(at, scale).toFixed(2)}%" overflow="visible"><title>${thread === null ? 'the user interrupted the session' : `the user interrupted thread ${thread}`}, ${clockOf(at, now)}</title><circle cy="7" r="6"/><text y="10.5" text-anchor="middle">!</text></svg>`,
  )}</svg>`;
}

const TICKS = 4;

/** The times that the scale's ends and quarters stand for. */
export function axis({ from, to }: Scale, now: number): Html {
  const ticks = Array.from({ length: TICKS + 1 }, (_, at) => from + ((to - from) * at) / TICKS);
  return html`<span class="axis" aria-hidden="true">${ticks.map((tick, at) => html`<span>${at === 0 ? clockOf(tick, now) : `+${lasted(tick - from)}`}</span>`)}</span>`;
}

export function legend({ rows, interrupts }: Timeline): Html {
  const kinds = new Set([
    ...rows.flatMap(row => row.marks.map(({ kind }) => kind)),
    ...(interrupts.length > 0 ? ['interrupted' as const] : []),
  ]);
  return html`<p class="legend" aria-label="What the colours and signs mean"><span class="waiting">waiting</span><span class="held">held for a person</span><span class="running">running</span><span class="posting">result being posted</span>${Object.entries(SIGNS).flatMap(([kind, [sign, name]]) => (kinds.has(kind as MarkKind) ? [html`<span class="sign ${kind}"><b>${sign}</b> ${name}</span>`] : []))}</p>`;
}

function clockOf(at: number, now: number): string {
  return clockWords(new Date(at).toISOString(), now);
}
