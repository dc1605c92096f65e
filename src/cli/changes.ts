/** Which rows are new or other than they were when they were last looked at. */

/** @returns a look: the rows to tell of; what is gone is told once more, as `gone` makes it of the last one. */
export function changesIn<T extends object>(
  keyOf: (row: T) => string,
): (rows: readonly T[], gone?: (row: T) => T) => T[] {
  let before = new Map<string, { readonly row: T; readonly text: string }>();
  return (rows, gone) => {
    const now = new Map(rows.map(row => [keyOf(row), { row, text: JSON.stringify(row) }]));
    const changed = rows.filter(row => before.get(keyOf(row))?.text !== now.get(keyOf(row))?.text);
    const left =
      gone === undefined ? [] : [...before].flatMap(([key, { row }]) => (now.has(key) ? [] : gone(row)));
    before = now;
    return [...changed, ...left];
  };
}
