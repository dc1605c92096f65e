/** The calls of a session over time, a page of them at a time. */
import { html } from 'hono/html';
import { oneLine } from '../../session/summary.ts';
import { timeline } from '../../timeline/timeline.ts';
import type { CallDetail } from '../../workflows/messages.ts';
import { callWords } from '../call-words.ts';
import { badge, callPath, empty, type Html, line, sessionPath, type Viewer } from '../fragments.ts';
import type { SessionReading } from '../source.ts';
import { scaleOf } from '../timeline.ts';
import { count } from '../words.ts';
import { axis, bars, interruptMarks, legend } from './bars.ts';

export const CALLS_A_PAGE = 100;

export const SHOWN = ['all', 'open', 'trouble'] as const;
export interface CallFilter {
  readonly shown: (typeof SHOWN)[number];
  /** From 1 on; the newest calls stand on the first. */
  readonly page: number;
}

function isTrouble({ state, isError, unfinished, reattached, why }: CallDetail): boolean {
  const settledOtherwise = state === 'settled' && why !== 'posted' && !why.startsWith('posted:');
  return (
    isError || unfinished !== undefined || reattached !== undefined || state === 'void' || settledOtherwise
  );
}

function isOpen({ state, place }: CallDetail): boolean {
  return place === null && !['settled', 'void'].includes(state);
}

export function callList(reading: SessionReading, filter: CallFilter, viewer: Viewer): Html {
  const { calls, unanswered, endedAt, outcome } = reading;
  if (calls === undefined)
    return html`<section><h2>Calls</h2>${unanswered === undefined ? empty('This run tells nothing of its calls.', outcome === undefined ? '' : oneLine(outcome.reason)) : empty('The calls are not known while no worker answers.', 'They appear here by themselves when one does.')}</section>`;
  const of = { all: calls, open: calls.filter(isOpen), trouble: calls.filter(isTrouble) };
  const found = of[filter.shown].toReversed();
  const pages = Math.max(1, Math.ceil(found.length / CALLS_A_PAGE));
  const page = Math.min(filter.page, pages);
  const shown = found.slice((page - 1) * CALLS_A_PAGE, page * CALLS_A_PAGE);
  const end = endedAt === null ? viewer.now : Date.parse(endedAt);
  const drawn = timeline(shown, reading.status ?? {}, end);
  const scale = scaleOf(drawn);
  const rows = new Map(drawn.rows.map(row => [row.id, row]));
  const address = (more: Partial<CallFilter>) => pathOf(reading, { ...filter, page, ...more });
  const names = { all: 'All calls', open: 'Not over', trouble: 'Not as usual' };
  return html`<section aria-labelledby="calls-title">
  <div class="bar"><h2 id="calls-title">Calls, newest first</h2>
  <nav class="tabs" aria-label="Which calls">${SHOWN.map(each => html`<a href="${address({ shown: each, page: 1 })}"${each === filter.shown ? html` aria-current="true"` : ''}>${names[each]} <span class="count">${of[each].length.toLocaleString('en')}</span></a>`)}</nav></div>
  ${
    shown.length === 0
      ? empty(filter.shown === 'all' ? 'No calls yet.' : 'None.')
      : html`<table class="rows timeline">
    <thead><tr><th scope="col">Call</th><th scope="col">State</th><th scope="col" class="over-time">${axis(scale, viewer.now)}${interruptMarks(drawn, scale, viewer.now)}<span class="hidden">Over time</span></th></tr></thead>
    <tbody data-pick>${shown.map(call => {
      const row = rows.get(call.id);
      return callRow(call, row === undefined ? '' : bars(row, scale, viewer.now), reading, viewer.now);
    })}</tbody>
  </table>${legend(drawn)}`
  }
  ${page === pages && filter.shown === 'all' && reading.missing ? html`<p class="quiet">${count(reading.missing, 'older call')} of this session: ask an earlier run, below, which has them.</p>` : ''}
  ${pages === 1 ? '' : html`<nav class="pager" aria-label="Pages of the calls">${page > 1 ? html`<a class="button" rel="prev" href="${address({ page: page - 1 })}">← Newer</a>` : ''}<span class="quiet">${count(found.length, 'call')}, page ${page} of ${pages}</span>${page < pages ? html`<a class="button" rel="next" href="${address({ page: page + 1 })}">Older →</a>` : ''}</nav>`}
</section>`;
}

function callRow(call: CallDetail, drawn: Html, reading: SessionReading, now: number): Html {
  const { session, runId, newest } = reading;
  const { word, tone, why } = callWords(call, reading, now);
  return html`<tr id="call-${call.id}" data-item>
  <th scope="row"><a data-open href="${callPath(session, call.id, newest ? undefined : runId)}" class="mono">${line(call.summary)}</a></th>
  <td>${badge(word, tone)}<span class="why">${line(why)}</span></td>
  <td class="over-time">${drawn}</td>
</tr>`;
}

function pathOf({ session, runId, newest }: SessionReading, { shown, page }: CallFilter): string {
  const query = new URLSearchParams({
    ...(newest ? {} : { run: runId }),
    ...(shown === 'all' ? {} : { shown }),
    ...(page === 1 ? {} : { page: String(page) }),
  }).toString();
  return `${sessionPath(session)}${query === '' ? '' : `?${query}`}`;
}
