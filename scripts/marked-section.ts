/** Sections of a document that a script writes: they stand between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. */

export function marksOf(name: string): readonly [begin: string, end: string] {
  return [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
}

/** The document with `text` between the marks; undefined where it has none. */
export function withSection(document: string, name: string, text: string): string | undefined {
  const [begin, end] = marksOf(name);
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  return from < 0 || to < from
    ? undefined
    : document.slice(0, from + begin.length) + text + document.slice(to);
}
