/** Moves a selection by keys, and sends verdicts without leaving the page. */

const main = document.getElementById('main');
const said = document.getElementById('said');
const help = document.getElementById('help');

// — Selection

const isShown = element => element.offsetParent !== null;

function items() {
  return [...document.querySelectorAll('[data-pick] [data-item]')].filter(isShown);
}

function picked() {
  return document.querySelector('[data-picked]') ?? undefined;
}

function pick(item) {
  picked()?.removeAttribute('data-picked');
  item.setAttribute('data-picked', '');
  const target = item.matches('[tabindex]') ? item : (item.querySelector('[data-open]') ?? item);
  target.focus({ preventScroll: true });
  item.scrollIntoView({ block: 'nearest' });
}

function move(by) {
  const all = items();
  if (all.length === 0) return;
  const at = all.indexOf(picked());
  pick(all[at === -1 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))]);
}

document.addEventListener('focusin', event => {
  const item = event.target.closest?.('[data-item]');
  if (item && item !== picked()) {
    picked()?.removeAttribute('data-picked');
    item.setAttribute('data-picked', '');
  }
});

// — Keys

let before = '';

const GO = { s: '/sessions', a: '/approvals' };

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  a: () => picked()?.querySelector('[data-allow]')?.focus(),
  d: () => picked()?.querySelector('[data-message]')?.focus(),
  i: () => picked()?.querySelector('[data-input]')?.toggleAttribute('data-whole'),
  Enter: target => target.matches('[data-item]') && target.querySelector('[data-open]')?.click(),
  o: () => picked()?.querySelector('[data-open]')?.click(),
  '/': () => document.getElementById('find')?.select(),
  '?': () => (help.open ? help.close() : help.showModal()),
};

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  const writes = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
  if (key === 'Escape' && writes) {
    const item = target.closest('[data-item]');
    if (item) pick(item);
    else target.blur();
    return;
  }
  if (writes || (help.open && key !== '?')) return;
  const go = before === 'g' ? GO[key] : undefined;
  before = key;
  const act = go === undefined ? KEYS[key] : () => location.assign(go);
  // A button or a link does what Enter means there.
  if (act === undefined || act(target) === false) return;
  event.preventDefault();
});

document.getElementById('help-open').addEventListener('click', () => help.showModal());

// — Verdicts

function say(text, isBad) {
  said.textContent = text;
  said.classList.toggle('bad', isBad);
  said.classList.add('shown');
  clearTimeout(say.timer);
  say.timer = setTimeout(() => said.classList.remove('shown'), 12_000);
}

/** Cards that were answered here, and until when a page from before may still have them. */
const answered = new Map();
const ANSWERED_MS = 10_000;

document.addEventListener('patched', () => {
  for (const [id, until] of answered) {
    if (Date.now() < until) document.getElementById(id)?.remove();
    else answered.delete(id);
  }
});

// Enter in the message denies, although the first button of the form is another.
document.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || !event.target.matches?.('[data-message]')) return;
  event.preventDefault();
  event.target.form.requestSubmit(event.target.form.querySelector('[data-deny]'));
});

document.addEventListener('submit', async event => {
  const form = event.target;
  if (!form.matches('[data-answer]') || event.submitter?.value === undefined) return;
  event.preventDefault();
  const card = form.closest('[data-item]');
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  card.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(form.action, {
      method: 'POST',
      body: fields,
      headers: { accept: 'application/json' },
    });
    const { text } = await answer.json();
    say(text, !answer.ok);
    if (answer.ok) {
      const all = items();
      const next = all[all.indexOf(card) + 1] ?? all[all.indexOf(card) - 1];
      answered.set(card.id, Date.now() + ANSWERED_MS);
      card.remove();
      if (next !== undefined) pick(next);
      else main.focus();
    }
  } catch {
    say('The console did not answer: is it still running? Answering again is safe.', true);
  } finally {
    card.removeAttribute('aria-busy');
  }
});
