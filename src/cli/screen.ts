/** A screenful that is drawn anew: on the terminal's other screen, so that what stood there comes back at the end. */

const OTHER_SCREEN = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const BACK = '\u001b[?7h\u001b[?25h\u001b[?1049l';
/** Terminals that know it show the frame at once; the others pass over it. */
const FRAME = ['\u001b[?2026h', '\u001b[?2026l'] as const;

export interface Screen {
  /** Shows these lines; those that do not fit are counted in the last one. */
  draw(lines: readonly string[]): void;
  end(): void;
}

/** @param redraw called when the size has changed. */
export function openScreen(out: NodeJS.WriteStream, redraw: () => void): Screen {
  out.write(OTHER_SCREEN);
  out.on('resize', redraw);
  // Also where an error ends the process: a terminal without a cursor is no use to anybody.
  const back = () => out.write(BACK);
  process.on('exit', back);
  return {
    draw: lines => out.write(frameOf(lines, out.rows || 24)),
    end() {
      out.off('resize', redraw);
      process.off('exit', back);
      back();
    },
  };
}

/** Each line is overwritten in its place and what stood behind it erased, so nothing flickers. */
export function frameOf(lines: readonly string[], rows: number): string {
  const fits = lines.length < rows;
  const shown = fits ? lines : [...lines.slice(0, rows - 2), `… and ${lines.length - rows + 2} more lines`];
  return `${FRAME[0]}\u001b[H${shown.map(line => `${line}\u001b[K\r\n`).join('')}\u001b[J${FRAME[1]}`;
}
