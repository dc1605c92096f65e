/** One call: what it was, when what happened to it, what it has written. */
import { html } from 'hono/html';
import { oneLine } from '../../session/summary.ts';
import { timeline } from '../../timeline/timeline.ts';
import type { CallOutput } from '../../tool-host/call-output.ts';
import type { CallDetail, HeldCall } from '../../workflows/messages.ts';
import { callWords } from '../call-words.ts';
import { at, badge, callPath, type Html, sessionPath, type Viewer } from '../fragments.ts';
import type { SessionReading } from '../source.ts';
import { rowWords, scaleOf } from '../timeline.ts';
import { card } from './approvals.ts';
import { axis, bars } from './bars.ts';
import type { Page } from './layout.ts';

export interface CallView {
  readonly reading: SessionReading;
  /** Undefined while the calls are not known. */
  readonly call: CallDetail | undefined;
  readonly callId: string;
  /** With its input, while it waits for a person. */
  readonly held: HeldCall | undefined;
  /** What it has written so far; undefined where it is not known which host has its files. */
  readonly output: CallOutput | undefined;
}

export function callPage(view: CallView, viewer: Viewer): Page {
  const { reading, call, callId, held } = view;
  const { session } = reading;
  const back = html`<p class="crumbs"><a href="/sessions">Sessions</a> / <a href="${sessionPath(session)}">${reading.title === null ? session : oneLine(reading.title)}</a></p>`;
  const name = call?.summary ?? callId;
  const words = call && callWords(call, reading, viewer.now);
  const main = html`
<header class="head">${back}<h1 class="mono">${oneLine(name)} ${words === undefined ? '' : badge(words.word, words.tone)}</h1></header>
${call === undefined ? html`<p class="notice">${reading.unanswered === undefined ? 'This run knows no such call (any more).' : 'What became of this call is not known while no worker answers.'}</p>` : life(call, view, viewer)}
${held === undefined ? '' : html`<div data-pick>${card(held, viewer)}</div>`}
${output(view)}`;
  return { title: oneLine(name).slice(0, 80), at: 'sessions', main };
}

function life(call: CallDetail, { reading, callId }: CallView, { now }: Viewer): Html {
  const end = reading.endedAt === null ? now : Date.parse(reading.endedAt);
  const drawn = timeline([call], {}, end);
  const scale = scaleOf(drawn);
  const [row] = drawn.rows;
  const { seenAt, heldAt, decidedAt, decidedBy, startedAt, finishedAt, settledAt } = call;
  const steps = [
    ['first seen', seenAt],
    ['held since', heldAt],
    [`${call.confirmation === 'deny' ? 'denied' : 'allowed'} by ${decidedBy ?? 'somebody'}`, decidedAt],
    [call.attempts > 1 ? `started (${call.attempts} times)` : 'started', startedAt],
    ['finished', finishedAt],
    [call.posted ? 'posted' : 'settled', settledAt],
  ] as const;
  return html`<section class="life">
  <p class="waits">${callWords(call, reading, now).sentence}</p>
  ${row === undefined ? '' : html`<p class="quiet">${rowWords(row, now)}</p><div class="panel">${axis(scale, now)}${bars(row, scale, now)}</div>`}
  <dl class="about">${steps.map(([what, when]) => (when === null || when === undefined ? '' : html`<div><dt>${oneLine(what)}</dt><dd>${at(when, now)}</dd></div>`))}
    <div><dt>tool</dt><dd class="mono">${oneLine(call.name)}</dd></div>
    ${call.thread === null ? '' : html`<div><dt>thread</dt><dd class="mono">${oneLine(call.thread)}</dd></div>`}
    <div><dt>id</dt><dd class="mono">${oneLine(callId)}</dd></div></dl>
</section>`;
}

function output({ reading, callId, output: written }: CallView): Html {
  const { host, session } = reading;
  const title = html`<h2 id="output-title">Output</h2>`;
  if (written?.kind !== 'output')
    return html`<section aria-labelledby="output-title">${title}<p class="notice">${written === undefined ? 'No host has this session’s files yet.' : oneLine(written.reason)}${written?.kind === 'other-host' ? html` Run <code>holdfast console</code>, or <code>holdfast logs ${session} ${callId}</code>, there.` : ''}</p></section>`;
  const { text, from, next, complete } = written;
  const query = new URLSearchParams({ host: host ?? '', from: String(next) });
  const tail = `${callPath(session, callId)}/output?${query}`;
  return html`<section aria-labelledby="output-title"><div class="bar">${title}<span class="quiet" id="tail-state">${complete ? '' : 'it may write more: that appears here as it comes'}</span></div>
  ${from > 0 ? html`<p class="quiet">Its end: <code>holdfast logs ${session} ${callId}</code> prints the whole.</p>` : ''}
  <pre class="output" id="output" data-keep${complete ? '' : html` data-tail="${tail}"`} tabindex="0" aria-labelledby="output-title">${text}</pre>
  ${text === '' && complete ? html`<p class="quiet">It has written nothing here. What a tool answers without writing it stands in the session itself.</p>` : ''}</section>`;
}
