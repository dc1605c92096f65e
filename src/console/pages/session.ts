/** One session: what it waits for, what to do about it, and its calls over time. */
import { html } from 'hono/html';
import { isAtWork, type PendingWork, untakenMs } from '../../client/pending-work.ts';
import { lasted } from '../../session/lasted.ts';
import { oneLine } from '../../session/summary.ts';
import { type Advice, adviceOf } from '../advice.ts';
import { ago, at, badge, callPath, type Html, hostName, sessionPath, type Viewer } from '../fragments.ts';
import { endWord } from '../session-list.ts';
import type { SessionReading } from '../source.ts';
import { count } from '../words.ts';
import { type CallFilter, callList } from './call-list.ts';
import type { Page } from './layout.ts';

export function sessionPage(reading: SessionReading, filter: CallFilter, viewer: Viewer): Page {
  const { session, title, execution, endedAt, outcome } = reading;
  const word = endedAt === null ? wordOf(reading) : (outcome?.state ?? endWord(execution));
  const main = html`
${head(reading, word, viewer)}
${standing(reading, viewer)}
${callList(reading, filter, viewer)}
${pendingList(reading.pending, viewer)}
${record(reading, viewer)}
${otherRuns(reading, viewer)}`;
  return { title: `${word}: ${title === null ? session : oneLine(title)}`, at: 'sessions', main };
}

/** As the list of sessions has it. */
function wordOf({ status }: SessionReading): string {
  const { state = 'running', stuck, heldCalls = 0, openCalls = 0 } = status ?? {};
  if (stuck !== undefined) return 'stuck';
  return heldCalls > 0 && openCalls === 0 ? 'held' : state;
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
        : waits(status.waitingFor, reading, viewer.now);
  return html`<section class="standing-now" aria-labelledby="now-title">
  <h2 id="now-title" class="hidden">How it stands</h2>
  <p class="waits">${what}</p>
  ${advice.length === 0 && endedAt === null ? html`<p class="quiet">Nothing is to be done.</p>` : ''}
  ${advice.map(each => adviceBox(each, reading))}
</section>`;
}

/** `waitingFor` is made to stand behind "waits for"; a tool that runs is not waited for by whoever reads this. */
function waits(waitingFor: string, { pending }: SessionReading, now: number): string {
  const [, running, what] = /^(\d+) running: (.*)$/s.exec(waitingFor) ?? [];
  if (running === undefined) return `It waits for ${oneLine(waitingFor)}.`;
  if (pending.some(work => work.type === 'runTool' && untakenMs(work, now) > 0))
    return `Whether this still runs is not known: ${oneLine(what ?? '')}`;
  return `${running === '1' ? 'A tool runs' : `${running} tools run`}: ${oneLine(what ?? '')}`;
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

function pendingList(pending: readonly PendingWork[], { now }: Viewer): Html {
  if (pending.length === 0) return '';
  const isBad = pending.some(work => (work.failure !== null && !isAtWork(work)) || untakenMs(work, now) > 0);
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
