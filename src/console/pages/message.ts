/** A page that says one thing, for browsers without scripts and for addresses that are none. */
import { html } from 'hono/html';
import type { Page } from './layout.ts';

export function messagePage(text: string): Page {
  const main = html`<div class="empty"><p>${text}</p><p class="hint"><a href="/approvals">Approvals</a> · <a href="/sessions">Sessions</a></p></div>`;
  return { title: text.slice(0, 60), at: 'none', main, status: 404 };
}
