/** Where progress is shown: `process.stderr`, or anything that can be written to. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface Progress {
  /** Replaces the text; what was said before stays on record where the output is not a terminal. */
  say(text: string): void;
  end(): void;
}

const redrawMs = 1_000;

/** 205_000 → `3m 25s`. */
export function elapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
}

/** A line that counts its seconds on a terminal and is removed at the end; elsewhere each text is written once. */
export function startProgress(output: ProgressOutput): Progress {
  let text = '';
  let since = 0;
  const draw = () => output.write(`\r\u001b[2K${text} ${elapsed(performance.now() - since)}`);
  let timer: NodeJS.Timeout | undefined;
  return {
    say: next => {
      if (next === text) return;
      text = next;
      since = performance.now();
      if (!output.isTTY) {
        output.write(`${text}\n`);
        return;
      }
      draw();
      timer ??= setInterval(draw, redrawMs).unref();
    },
    end: () => {
      clearInterval(timer);
      if (output.isTTY && text !== '') output.write('\r\u001b[2K');
      text = '';
      timer = undefined;
    },
  };
}
