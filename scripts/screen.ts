import type { Io, Output } from './io.ts';

/** Both outputs of a run, with one status line kept below everything else while there is a terminal. */
export type Screen = {
  print(output: Output, text: string): void;
  /** Shows `line` as the status line; an empty one takes it away. Nothing happens without a terminal. */
  status(line: string): void;
};

const ERASE_LINE = '\r\x1b[K';

export function createScreen(io: Io): Screen {
  let shown = '';
  return {
    print(output, text) {
      if (shown) io.stderr.write(ERASE_LINE);
      output.write(text);
      if (shown && text.endsWith('\n')) io.stderr.write(shown);
    },
    status(line) {
      if (!io.stderr.isTTY || line === shown) return;
      io.stderr.write(`${shown ? ERASE_LINE : ''}${line}`);
      shown = line;
    },
  };
}
