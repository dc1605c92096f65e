/** Secrets that are planted on purpose, and the search for them in everything that somebody may read later (I9). */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Secrets by what they are. */
export type Canaries = Readonly<Record<string, string>>;

/** What is searched, by its name. */
export type Surfaces = ReadonlyMap<string, string | Uint8Array>;

/** `<secret> in <surface>` for each that is found, in clear or in a form that gives it back. */
export function leaksIn(surfaces: Surfaces, canaries: Canaries): string[] {
  const forms = Object.entries(canaries).map(([name, secret]) => [name, formsOf(secret)] as const);
  return [...surfaces].flatMap(([surface, content]) => {
    const text = searchable(content);
    return forms.flatMap(([name, all]) =>
      all.some(form => text.includes(form)) ? [`${name} in ${surface}`] : [],
    );
  });
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const forms = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
  ];
  // Inside a longer text base64 of it begins at one of three places; what depends on its neighbours is left out.
  for (const before of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const from = before === 0 ? 0 : before + 1;
    const whole = shifted.slice(from, Math.floor(((before + bytes.length) * 8) / 6));
    forms.push(whole, whole.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...new Set(forms)];
}

/** The content byte by byte, and what stands in it as base64 (payloads in JSON) decoded. */
function searchable(content: string | Uint8Array): string {
  const text = Buffer.from(content).toString('latin1');
  const decoded = [...text.matchAll(/"([A-Za-z0-9+/_-]{16,}={0,2})"/g)].map(([, inner = '']) =>
    Buffer.from(inner, 'base64').toString('latin1'),
  );
  return [text, ...decoded].join('\n');
}

/** Every file below the folder, by its path, but for those that `isMeant` to hold a secret. */
export function filesBelow(folder: string, isMeant: (path: string) => boolean): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !isMeant(relative(folder, path)))
      found.set(`file ${relative(folder, path)}`, readFileSync(path));
  }
  return found;
}

/** The command lines of all processes of this machine, which every user of it may list. */
export function commandLines(): string {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => proc(Number(pid), 'cmdline').replaceAll('\0', ' '))
    .join('\n');
}

/** Empty for a process that has ended. */
export function proc(pid: number, what: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'latin1');
  } catch {
    return '';
  }
}
