/** One session: what it waits for, what to do about it, and its calls over time. */
import { html } from 'hono/html';
import type { PendingWork } from '../../client/pending-work.ts';
import { lasted } from '../../session/lasted.ts';
import { oneLine } from '../../session/summary.ts';
import { timeline } from '../../timeline/timeline.ts';
import type { CallDetail } from '../../workflows/messages.ts';
import { type Advice, adviceOf } from '../advice.ts';
import {
  ago,
  at,
  badge,
  callPath,
  empty,
  type Html,
  hostName,
  line,
  sessionPath,
  type Viewer,
} from '../fragments.ts';
import { endWord } from '../session-list.ts';
import type { SessionReading } from '../source.ts';
import { scaleOf } from '../timeline.ts';
import { count } from '../words.ts';
import { axis, bars, interruptMarks, legend } from './bars.ts';
import type { Page } from './layout.ts';

export const CALLS_A_PAGE = 100;

export const SHOWN = ['all', 'open', 'trouble'] as const;
export interface CallFilter {
  readonly shown: (typeof SHOWN)[number];
  /** From 1 on; the newest calls stand on the first. */
  readonly page: number;
}

export function sessionPage(reading: SessionReading, filter: CallFilter, viewer: Viewer): Page {
  const { session, title, status, execution, endedAt, outcome } = reading;
  const word = endedAt === null ? (status?.state ?? 'running') : (outcome?.state ?? endWord(execution));
  const main = html`
${head(reading, word, viewer)}
${standing(reading, viewer)}
${callList(reading, filter, viewer)}
${pendingList(reading.pending, viewer)}
${record(reading, viewer)}
${otherRuns(reading, viewer)}`;
  return { title: `${word}: ${title === null ? session : oneLine(title)}`, at: 'sessions', main };
}

function head(reading: SessionReading, word: string, { now, thisHost, temporalUrl }: Viewer): Html {
  const { session, runId, title, host, startedAt, endedAt, newest } = reading;
  return html`<header class="head">
  <p class="crumbs"><a href="/sessions">Sessions</a></p>
  <h1>${title === null ? html`<span class="mono">${session}</span>` : oneLine(title)} ${badge(word)}</h1>
  <dl class="about">
    ${title === null ? '' : html`<div><dt>session</dt><dd class="mono">${session}</dd></div>`}
    <div><dt>host</dt><dd>${hostName(host, thisHost)}</dd></div>
    <div><dt>${endedAt === null ? 'served for' : 'ran'}</dt><dd>${endedAt === null ? ago(reading.status?.startedAt ?? startedAt, now) : html`${lasted(Date.parse(endedAt) - Date.parse(startedAt))}, until ${at(endedAt, now)}`}</dd></div>
    ${temporalUrl === undefined ? '' : html`<div><dt>workflow</dt><dd><a href="${temporalUrl(session, runId)}" rel="noreferrer">open in the Temporal UI</a></dd></div>`}
  </dl>
  ${newest ? '' : html`<p class="notice">This is an earlier run. <a href="${sessionPath(session)}">Go to the newest</a></p>`}
</header>`;
}

function standing(reading: SessionReading, viewer: Viewer): Html {
  const { status, outcome, endedAt } = reading;
  const advice = adviceOf(reading, viewer);
  const what =
    endedAt !== null
      ? `It waits for nothing: the run has ended${outcome === undefined ? '' : ` (${oneLine(outcome.reason)})`}.`
      : status === undefined
        ? 'What it waits for is not known while no worker answers.'
        : `It waits for ${oneLine(status.waitingFor)}.`;
  return html`<section class="standing-now" aria-labelledby="now-title">
  <h2 id="now-title" class="hidden">How it stands</h2>
  <p class="waits">${what}</p>
  ${advice.length === 0 && endedAt === null ? html`<p class="quiet">Nothing is to be done.</p>` : ''}
  ${advice.map(each => adviceBox(each, reading))}
</section>`;
}

function adviceBox(
  { level, what, todo, command, link }: Advice,
  { session, runId, newest }: SessionReading,
): Html {
  const href =
    link?.to === 'call' ? callPath(session, link.call ?? '', newest ? undefined : runId) : '/approvals';
  return html`<div class="notice ${level}"${level === 'bad' ? html` role="alert"` : ''}>
  <strong>${oneLine(what)}</strong>
  <span><b class="do">What to do:</b> ${oneLine(todo)}</span>
  ${command === undefined && link === undefined ? '' : html`<p class="acts">${link === undefined ? '' : html`<a class="button" href="${href}">${link.text}</a>`}${command === undefined ? '' : html`<code>${command}</code>`}</p>`}
</div>`;
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

function callList(reading: SessionReading, filter: CallFilter, viewer: Viewer): Html {
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
      return callRow(call, row === undefined ? '' : bars(row, scale, viewer.now), reading);
    })}</tbody>
  </table>${legend(drawn)}`
  }
  ${page === pages && filter.shown === 'all' && reading.missing ? html`<p class="quiet">${count(reading.missing, 'older call')} of this session: ask an earlier run, below, which has them.</p>` : ''}
  ${pages === 1 ? '' : html`<nav class="pager" aria-label="Pages of the calls">${page > 1 ? html`<a class="button" rel="prev" href="${address({ page: page - 1 })}">← Newer</a>` : ''}<span class="quiet">${count(found.length, 'call')}, page ${page} of ${pages}</span>${page < pages ? html`<a class="button" rel="next" href="${address({ page: page + 1 })}">Older →</a>` : ''}</nav>`}
</section>`;
}

function callRow(call: CallDetail, drawn: Html, { session, runId, newest }: SessionReading): Html {
  const tone = call.unfinished === 'unknown' ? 'bad' : undefined;
  const word =
    call.unfinished === 'unknown'
      ? 'unknown'
      : call.state === 'settled' && call.isError && call.posted
        ? 'error'
        : call.state;
  return html`<tr id="call-${call.id}" data-item>
  <th scope="row"><a data-open href="${callPath(session, call.id, newest ? undefined : runId)}" class="mono">${line(call.summary)}</a></th>
  <td>${badge(word, word === 'error' ? 'bad' : tone)}<span class="why">${line(call.why)}</span></td>
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

function pendingList(pending: readonly PendingWork[], { now }: Viewer): Html {
  if (pending.length === 0) return '';
  const isBad = pending.some(({ failure }) => failure !== null);
  return html`<section><details id="pending"${isBad ? html` open` : ''}><summary>Temporal has under way: ${count(pending.length, 'activity', 'activities')}</summary>
  <table class="rows small"><thead><tr><th scope="col">What</th><th scope="col">State</th><th scope="col">Attempt</th><th scope="col">Last failure</th></tr></thead><tbody>
  ${pending.map(
    ({
      type,
      id,
      what,
      state,
      attempt,
      failure,
      next,
      since,
    }) => html`<tr id="pending-${id}"><th scope="row">${what} <span class="quiet mono">${oneLine(type)}</span></th>
    <td>${state === 'waiting' ? html`nobody has taken it${since === null ? '' : html` for ${ago(since, now)}`}` : state === 'backing-off' ? html`tried again${next === null ? '' : html` at ${at(next, now)}`}` : 'under way'}</td><td class="number">${attempt}</td><td>${failure ?? '–'}</td></tr>`,
  )}</tbody></table></details></section>`;
}

function record({ status, unanswered, endedAt }: SessionReading, { now }: Viewer): Html {
  const lines = status?.record ?? [];
  if (lines.length === 0)
    return endedAt !== null && unanswered !== undefined
      ? html`<section><h2>What was done besides</h2><p class="quiet">Known when a worker answers: the run’s result does not hold it.</p></section>`
      : '';
  return html`<section aria-labelledby="record-title"><h2 id="record-title">What was done besides</h2>
  <ol class="record">${lines.toReversed().map(({ at: when, what }) => html`<li>${at(when, now)} <span>${oneLine(what)}</span></li>`)}</ol></section>`;
}

function otherRuns({ session, runs, newest, runId }: SessionReading, { now }: Viewer): Html {
  const others = runs.filter(run => run.runId !== runId);
  if (others.length === 0) return '';
  return html`<section><h2>${newest ? 'Earlier runs' : 'Other runs'}</h2>
  <ul class="runs">${others.map(run => html`<li><a class="mono" href="${sessionPath(session, run.runId)}">${run.runId.slice(0, 8)}</a> ${badge(run.execution === 'RUNNING' ? 'running' : endWord(run.execution))} <span class="quiet">began ${at(run.startedAt, now)}</span></li>`)}</ul></section>`;
}
