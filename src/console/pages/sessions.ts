/** The list of sessions. */
import { html } from 'hono/html';
import { lasted } from '../../session/lasted.ts';
import { oneLine } from '../../session/summary.ts';
import { ago, badge, empty, type Html, hostName, problem, sessionPath, type Viewer } from '../fragments.ts';
import { type SessionFilter, type SessionRow, type SessionsPage, VIEWS, type View } from '../source.ts';
import type { Page } from './layout.ts';

const NAMES: Readonly<Record<View, string>> = {
  open: 'Served now',
  held: 'Waiting for a person',
  stuck: 'Stuck',
  failed: 'Failed',
  ended: 'Ended',
};

export function sessionsPage(found: SessionsPage, filter: SessionFilter, viewer: Viewer): Page {
  const { rows, more, problem: unusable } = found;
  const title = `${NAMES[filter.view]}: sessions`;
  const main = html`
<h1>Sessions</h1>
<div class="bar">
  <nav class="tabs" aria-label="Which sessions">${VIEWS.map(view => tab(view, filter, found.counts[view]))}</nav>
  <form class="find" role="search" action="/sessions">
    <input type="hidden" name="view" value="${filter.view}">
    <label><span class="hidden">Session id begins with</span><input id="find" name="id" value="${filter.id}" placeholder="sesn_…" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"></label>
    <label><span class="hidden">Host</span><input id="find-host" name="host" value="${filter.host}" placeholder="host" size="14" autocomplete="off" spellcheck="false"></label>
    <button>Find</button>
    ${filter.id === '' && filter.host === '' ? '' : html`<a class="button ghost" href="/sessions?view=${filter.view}">All</a>`}
  </form>
</div>
${unusable === undefined ? '' : problem(unusable)}
${rows.length === 0 ? nothing(filter, unusable) : list(rows, viewer)}
${pager(filter, more)}`;
  return { title, at: 'sessions', main };
}

function tab(view: View, filter: SessionFilter, count: number | undefined): Html {
  const current = view === filter.view ? html` aria-current="true"` : '';
  const tone =
    count === undefined || count === 0
      ? ''
      : view === 'stuck' || view === 'failed'
        ? ' bad'
        : view === 'held'
          ? ' some'
          : '';
  return html`<a href="${address({ ...filter, view, page: 1 })}"${current}>${NAMES[view]}${count === undefined ? '' : html` <span class="count${tone}">${count.toLocaleString('en')}</span>`}</a>`;
}

function list(rows: readonly SessionRow[], viewer: Viewer): Html {
  return html`
<table class="rows sessions">
  <thead><tr><th scope="col">Session</th><th scope="col">State</th><th scope="col" class="number">Open</th><th scope="col" class="number">Held</th><th scope="col">Host</th><th scope="col">Age</th></tr></thead>
  <tbody data-pick>${rows.map(row => rowOf(row, viewer))}</tbody>
</table>`;
}

function rowOf(row: SessionRow, { now, thisHost }: Viewer): Html {
  const { session, title, state, openCalls, heldCalls, host, startedAt, endedAt } = row;
  const path = sessionPath(session, endedAt === null ? undefined : row.runId);
  const age =
    endedAt === null
      ? ago(startedAt, now)
      : html`<span class="quiet">took ${lasted(Date.parse(endedAt) - Date.parse(startedAt))},</span> ${ago(endedAt, now)} <span class="quiet">ago</span>`;
  return html`<tr id="row-${session}-${row.runId}" data-item>
  <th scope="row"><a href="${path}" data-open class="mono">${session}</a>${title === null ? '' : html`<span class="title">${oneLine(title)}</span>`}</th>
  <td>${badge(state)}</td>
  <td class="number" data-label="open">${openCalls ?? '–'}</td>
  <td class="number${heldCalls ? ' held-number' : ''}" data-label="held">${heldCalls ?? '–'}</td>
  <td data-label="host">${hostName(host, thisHost)}</td>
  <td class="age">${age}</td>
</tr>`;
}

function nothing(filter: SessionFilter, unusable: string | undefined): Html {
  if (unusable !== undefined) return '';
  if (filter.page > 1) return empty('No more sessions.');
  if (filter.id !== '' || filter.host !== '')
    return empty('No session fits.', 'An id is found by its beginning, a host by its whole name.');
  switch (filter.view) {
    case 'open':
      return empty(
        'No session is served now.',
        html`Start one with <code>holdfast start sesn_…</code>; what has ended is under “Ended”.`,
      );
    case 'held':
      return empty('No session waits for a person.');
    case 'stuck':
      return empty(
        'No session is stuck.',
        'One is when what should pass by itself (a host, the API, a tool over its time) does not: HOLDFAST_STUCK_AFTER.',
      );
    case 'failed':
      return empty('No run has failed.');
    case 'ended':
      return empty('No run has ended yet.');
  }
}

function pager(filter: SessionFilter, more: boolean): Html {
  if (filter.page === 1 && !more) return '';
  const { page } = filter;
  return html`<nav class="pager" aria-label="Pages of the list">
  ${page > 1 ? html`<a class="button" rel="prev" href="${address({ ...filter, page: page - 1 })}">← Newer</a>` : ''}
  <span class="quiet">page ${page}</span>
  ${more ? html`<a class="button" rel="next" href="${address({ ...filter, page: page + 1 })}">Older →</a>` : ''}
</nav>`;
}

function address({ view, id, host, page }: SessionFilter): string {
  const query = new URLSearchParams({
    view,
    ...(id === '' ? {} : { id }),
    ...(host === '' ? {} : { host }),
    ...(page === 1 ? {} : { page: String(page) }),
  });
  return `/sessions?${query}`;
}
