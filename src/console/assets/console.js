/**
 * The console's script: keeps the page as the server renders it now, and follows a running call's output. Every page
 * works without it, standing still.
 */

const main = document.getElementById('main');
const live = document.getElementById('live');

// — The page as it is now

let source;
let heard = 0;

function follow() {
  source?.close();
  if (document.visibilityState === 'hidden') return;
  source = new EventSource(location.pathname + location.search);
  source.addEventListener('page', event => {
    alive();
    const { title, main: content, held } = JSON.parse(event.data);
    document.title = `${title} · Holdfast`;
    setHeld(held);
    const template = document.createElement('template');
    template.innerHTML = content;
    const focused = document.activeElement;
    patch(main, template.content);
    document.dispatchEvent(new Event('patched'));
    // Whatever was moved has lost it.
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
    refresh();
    followOutput();
  });
  source.addEventListener('ping', alive);
  source.addEventListener('open', alive);
  source.addEventListener('error', () => tellLive(false));
}

function alive() {
  heard = Date.now();
  tellLive(true);
}

function tellLive(on) {
  live.textContent = on ? 'live' : 'not live';
  live.classList.toggle('on', on);
}

function setHeld(held) {
  const count = document.getElementById('held-count');
  count.textContent = held ?? '';
  count.classList.toggle('some', held > 0);
}

/** Makes the children of `old` those of `now`, and leaves in place what is the same: focus, selection, scrolling. */
function patch(old, now) {
  const wanted = new Set([...now.children].map(child => child.id));
  for (const child of [...old.children]) if (child.id && !wanted.has(child.id)) child.remove();
  const keyed = new Map([...old.children].filter(child => child.id !== '').map(child => [child.id, child]));
  let at = old.firstChild;
  for (const next of [...now.childNodes]) {
    const same = next.id ? keyed.get(next.id) : matching(at, next);
    if (same === undefined || same.nodeName !== next.nodeName) {
      old.insertBefore(next, at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    if (!same.isEqualNode(next)) update(same, next);
  }
  while (at !== null) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function matching(at, next) {
  return at !== null && at.nodeType === next.nodeType && !at.id ? at : undefined;
}

function update(old, now) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== now.nodeValue) old.nodeValue = now.nodeValue;
    return;
  }
  // What a person is about to write or has opened is theirs.
  if (old instanceof HTMLInputElement || old.hasAttribute('data-keep')) return;
  const kept = old instanceof HTMLDetailsElement ? ['open'] : ['data-picked', 'data-whole'];
  for (const { name } of [...old.attributes])
    if (!now.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  for (const { name, value } of now.attributes)
    if (old.getAttribute(name) !== value && !kept.includes(name)) old.setAttribute(name, value);
  patch(old, now);
}

// — Times

function lasted(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const two = (size, unit, rest, smaller) => {
    const less = Math.floor((seconds % size) / rest);
    return `${Math.floor(seconds / size)} ${unit}${less > 0 ? ` ${less} ${smaller}` : ''}`;
  };
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return two(60, 'min', 1, 's');
  return seconds < 86_400 ? two(3_600, 'h', 60, 'min') : two(86_400, 'd', 3_600, 'h');
}

function refresh() {
  for (const time of document.querySelectorAll('time[data-ago]')) {
    const words = lasted(Date.now() - Date.parse(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
  }
}

// — A running call's output

const TAIL_CHARS = 1_000_000;

/** The element is the server's at first; then it is only appended to. */
function followOutput() {
  const output = document.querySelector('[data-tail]');
  if (output === null || output.dataset.followed !== undefined) return;
  output.dataset.followed = '';
  const tail = new EventSource(output.dataset.tail);
  tail.addEventListener('part', event => {
    const { text, next } = JSON.parse(event.data);
    const atEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 8;
    output.append(text);
    if (output.textContent.length > TAIL_CHARS)
      output.textContent = output.textContent.slice(-TAIL_CHARS / 2);
    if (atEnd) output.scrollTop = output.scrollHeight;
    output.dataset.tail = output.dataset.tail.replace(/from=\d+/, `from=${next}`);
  });
  tail.addEventListener('over', () => {
    tail.close();
    document.getElementById('tail-state').textContent = '';
  });
  tail.addEventListener('error', () => {
    // Its own retry would begin where the first one began.
    tail.close();
    delete output.dataset.followed;
    setTimeout(followOutput, 2_000);
  });
  output.scrollTop = output.scrollHeight;
}

document.addEventListener('visibilitychange', follow);
// A connection that died unheard, as after a sleep.
setInterval(() => {
  refresh();
  if (document.visibilityState !== 'hidden' && Date.now() - heard > 30_000) follow();
}, 1_000);
follow();
followOutput();
