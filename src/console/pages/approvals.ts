/** The inbox of calls that wait for a person. */
import { html } from 'hono/html';
import type { HeldCalls } from '../../client/held-calls.ts';
import { oneLine } from '../../session/summary.ts';
import type { HeldCall } from '../../workflows/messages.ts';
import type { Answered } from '../answered.ts';
import { ago, at, badge, callPath, empty, type Html, sessionPath, type Viewer } from '../fragments.ts';
import { plainText } from '../words.ts';
import type { Page } from './layout.ts';

export interface Inbox extends HeldCalls {
  /** Newest first. */
  readonly answered: readonly Answered[];
}

export function approvalsPage({ calls, unanswered, answered }: Inbox, viewer: Viewer): Page {
  const main = html`
<h1>Approvals</h1>
${unanswered.length === 0 ? '' : cannotAsk(unanswered)}
${calls.length > 0 || unanswered.length > 0 ? '' : empty('No call waits for an approval.', 'A call that does appears here by itself, with what it wants.')}
<div class="inbox" id="inbox" data-pick>${calls.toSorted((a, b) => a.since.localeCompare(b.since)).map(call => card(call, viewer))}</div>
${answered.length === 0 ? '' : html`<section id="answered" aria-labelledby="answered-title"><h2 id="answered-title">Answered since this console started</h2>${log(answered, viewer)}</section>`}`;
  return { title: calls.length === 0 ? 'Approvals' : `(${calls.length}) Approvals`, at: 'approvals', main };
}

function cannotAsk(unanswered: HeldCalls['unanswered']): Html {
  return html`<div class="notice bad" id="unasked" role="alert">
  <strong>${unanswered.length === 1 ? 'A session' : `${unanswered.length} sessions`} with held calls cannot be asked: no worker answers.</strong>
  <span>Start one (<code>holdfast worker</code>); what is held stays held until then:
  ${unanswered.slice(0, 10).map(({ session }) => html`<a class="mono" href="${sessionPath(session)}">${session}</a> `)}${unanswered.length > 10 ? `and ${unanswered.length - 10} more` : ''}</span>
</div>`;
}

export function cardId({ session, call }: Pick<HeldCall, 'session' | 'call'>): string {
  return `held-${session}-${call}`;
}

export function card(held: HeldCall, viewer: Viewer): Html {
  const { session, call, name, summary, input, since, deadline, owned, thread } = held;
  const id = cardId(held);
  return html`
<article class="card" id="${id}" data-item tabindex="-1" aria-labelledby="${id}-title">
  <header>
    ${badge('held')}
    <h2 id="${id}-title">${oneLine(summary)}</h2>
    <span class="since quiet">for ${ago(since, viewer.now)}</span>
  </header>
  <p class="facts"><a class="mono" data-open href="${sessionPath(session)}">${session}</a>
    <span><span class="quiet">tool</span> <span class="mono">${oneLine(name)}</span></span>
    <a class="mono quiet" href="${callPath(session, call)}">${oneLine(call)}</a>
    ${thread === null ? '' : html`<span><span class="quiet">thread</span> <span class="mono">${oneLine(thread)}</span></span>`}
    ${owned === false ? html`<span class="quiet">the tool is another client’s: the verdict releases it there</span>` : ''}
    ${deadline === null ? '' : html`<span class="warn">denied by itself at ${at(deadline, viewer.now)}</span>`}</p>
  ${inputOf(input)}
  ${viewer.formToken === undefined ? html`<p class="quiet">Read-only without its token: open the URL that the console printed at its start, or answer with <code>holdfast approvals allow ${session} ${oneLine(call)}</code>.</p>` : answerForm(held, viewer)}
</article>`;
}

/** Each field by itself: a command of several lines is read as it will run, not as JSON. */
export function inputOf(input: unknown): Html {
  if (input === null || input === undefined)
    return html`<p class="quiet">Its input is too large to be kept here (over 64 kB): read the call’s event from the API.</p>`;
  const fields =
    typeof input === 'object' && !Array.isArray(input) ? Object.entries(input) : [['input', input] as const];
  if (fields.length === 0) return html`<p class="quiet">It has no input.</p>`;
  return html`<dl class="input" data-input>${fields.map(([name, value]) => html`<dt>${oneLine(name)}</dt><dd><pre tabindex="0">${textOf(value)}</pre></dd>`)}</dl>`;
}

function textOf(value: unknown): string {
  return plainText(typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? ''));
}

function answerForm({ session, call }: HeldCall, { formToken, name }: Viewer): Html {
  return html`
<form class="answer" method="post" action="${callPath(session, call)}/answer" data-answer>
  <input type="hidden" name="form" value="${formToken ?? ''}">
  <button name="result" value="allow" class="allow" data-allow aria-keyshortcuts="a">Allow</button>
  <span class="deny-group">
    <label><span class="hidden">Why it is denied, for the agent</span><input name="message" data-message maxlength="10000" autocomplete="off" placeholder="Why not? (told to the agent)"></label>
    <button name="result" value="deny" class="deny" data-deny aria-keyshortcuts="d">Deny</button>
  </span>
  <label class="by quiet">as <input name="by" data-by value="${name}" maxlength="200" size="12" autocomplete="off" aria-label="Your name, for the record"></label>
</form>`;
}

function log(answered: readonly Answered[], { now }: Viewer): Html {
  return html`<table class="rows answered">
  <thead><tr><th scope="col">Call</th><th scope="col">Verdict</th><th scope="col">By</th><th scope="col">When</th></tr></thead>
  <tbody>${answered.map(
    ({ session, call, summary, verdict, by, at: when }) => html`<tr id="answered-${session}-${call}">
    <th scope="row"><a href="${callPath(session, call)}">${oneLine(summary)}</a><span class="title mono">${session}</span></th>
    <td>${badge(verdict, verdict === 'allowed' ? 'done' : verdict === 'denied' ? 'bad' : 'quiet')}</td><td>${oneLine(by)}</td><td>${at(when, now)}</td></tr>`,
  )}</tbody></table>`;
}
