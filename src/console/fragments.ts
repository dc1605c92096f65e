/** Pieces that several pages are made of. Everything of others goes through `html`, which escapes it. */
import { html } from 'hono/html';
import { lasted } from '../session/lasted.ts';
import { oneLine } from '../session/summary.ts';
import { clockWords } from './words.ts';

export type Html = ReturnType<typeof html> | string;

/** What every page knows of the request it answers. */
export interface Viewer {
  readonly now: number;
  /** Stands in forms; undefined: whoever looks may only read. */
  readonly formToken: string | undefined;
  /** How the viewer is called when they answer. */
  readonly name: string;
  /** Address of a workflow in Temporal's UI; undefined where the UI's address is not known. */
  readonly temporalUrl: ((session: string, runId?: string) => string) | undefined;
  /** This machine as a host; undefined: it is none. */
  readonly thisHost: string | undefined;
}

const TONES: Readonly<Record<string, string>> = {
  held: 'held',
  running: 'busy',
  open: 'quiet',
  starting: 'busy',
  finished: 'post',
  stopping: 'quiet',
  failed: 'bad',
  terminated: 'bad',
  'timed out': 'bad',
  stuck: 'bad',
  stopped: 'quiet',
  settled: 'done',
  ended: 'done',
  done: 'done',
};

/** A state's word with its colour; the word alone tells, the colour only helps. */
export function badge(state: string, tone = TONES[state] ?? 'quiet'): Html {
  return html`<span class="badge ${tone}">${oneLine(state)}</span>`;
}

/** `3 min ago`; the script keeps it up to date. */
export function ago(iso: string, now: number): Html {
  return html`<time datetime="${iso}" data-ago title="${iso}">${lasted(now - Date.parse(iso))}</time>`;
}

/** The time of day. */
export function at(iso: string, now: number): Html {
  return html`<time datetime="${iso}" title="${iso}">${clockWords(iso, now)}</time>`;
}

/** One line of somebody else's words, cut by the browser where it is too long. */
export function line(text: string): Html {
  const shown = oneLine(text);
  return html`<span class="line" title="${shown}">${shown}</span>`;
}

export function empty(what: string, hint: Html = ''): Html {
  return html`<div class="empty"><p>${what}</p>${hint === '' ? '' : html`<p class="hint">${hint}</p>`}</div>`;
}

export function problem(what: string, todo: Html = ''): Html {
  return html`<div class="notice bad" role="alert"><strong>${what}</strong>${todo === '' ? '' : html` <span>${todo}</span>`}</div>`;
}

/** A host's id, and whether it is this machine. */
export function hostName(host: string | null, thisHost: string | undefined): Html {
  if (host === null) return html`<span class="quiet">–</span>`;
  return host === thisHost
    ? html`<span class="mono">${host}</span> <span class="quiet">(here)</span>`
    : html`<span class="mono">${host}</span>`;
}

export function sessionPath(session: string, runId?: string): string {
  const run = runId === undefined ? '' : `?run=${encodeURIComponent(runId)}`;
  return `/sessions/${encodeURIComponent(session)}${run}`;
}

export function callPath(session: string, call: string, runId?: string): string {
  const run = runId === undefined ? '' : `?run=${encodeURIComponent(runId)}`;
  return `/sessions/${encodeURIComponent(session)}/calls/${encodeURIComponent(call)}${run}`;
}
