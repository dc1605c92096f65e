/** The frame of every page. */
import { html } from 'hono/html';
import type { Html, Viewer } from '../fragments.ts';

export interface Page {
  readonly title: string;
  readonly at: 'sessions' | 'approvals' | 'none';
  /** What changes while one looks; its elements are told apart by their ids. */
  readonly main: Html;
  /** HTTP status. */
  readonly status?: 200 | 404 | 503;
}

export interface Frame extends Viewer {
  /** Held calls, for the navigation; undefined: not known. */
  readonly heldCalls: number | undefined;
  readonly temporalHome: string | undefined;
}

/** Files in assets/, in their order. */
export const SCRIPTS = ['console.js', 'keys.js'];
export const STYLES = ['theme.css', 'frame.css', 'lists.css', 'approvals.css', 'session.css', 'timeline.css'];

const KEYS = [
  ['j k', 'next, previous'],
  ['Enter', 'open the selected one'],
  ['a', 'allow: then Enter to confirm'],
  ['d', 'deny: write why, then Enter'],
  ['i', 'show or hide the whole input'],
  ['o', 'open the session'],
  ['/', 'find'],
  ['g s', 'go to the sessions'],
  ['g a', 'go to the approvals'],
  ['Esc', 'leave a field, close this'],
  ['?', 'this help'],
] as const;

export function layout(page: Page, frame: Frame): Html {
  const { heldCalls, temporalHome } = frame;
  const here = (name: Page['at']) => (page.at === name ? html` aria-current="page"` : '');
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · Holdfast</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
${STYLES.map(
  name => html`<link rel="stylesheet" href="/assets/${name}">
`,
)}${SCRIPTS.map(
  name => html`<script src="/assets/${name}" type="module"></script>
`,
)}</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
  <a class="brand" href="/sessions"><img src="/assets/icon.svg" alt="" width="20" height="20">Holdfast</a>
  <nav aria-label="Pages">
    <a href="/sessions"${here('sessions')}>Sessions</a>
    <a href="/approvals"${here('approvals')}>Approvals <span id="held-count" class="count${heldCalls ? ' some' : ''}">${heldCalls ?? ''}</span></a>
    ${temporalHome === undefined ? '' : html`<a href="${temporalHome}" rel="noreferrer">Temporal UI</a>`}
  </nav>
  <div class="standing">
    ${frame.formToken === undefined ? html`<span class="badge quiet" title="Open the URL that the console printed at its start to answer approvals.">Read-only without its token</span>` : ''}
    <span id="live" class="live" role="status">not live</span>
    <button type="button" id="help-open" class="ghost" aria-haspopup="dialog">Keys <kbd>?</kbd></button>
  </div>
</header>
<main id="main" tabindex="-1">${page.main}</main>
<div id="said" class="said" role="status" aria-live="polite"></div>
<dialog id="help" aria-labelledby="help-title">
  <h2 id="help-title">Keys</h2>
  <dl class="keys">${KEYS.map(([keys, what]) => html`<dt>${keys.split(' ').map(key => html`<kbd>${key}</kbd> `)}</dt><dd>${what}</dd>`)}</dl>
  <form method="dialog"><button>Close</button></form>
</dialog>
</body>
</html>`;
}
