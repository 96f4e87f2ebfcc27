import type { Readable } from 'node:stream';

export type Output = {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Width of the terminal; 80 where there is none. */
  readonly columns: number;
};

/** The outside of one run of the command line. Results go to `stdout`, progress and errors to `stderr`. */
export type Io = {
  stdin: Readable & { isTTY?: boolean };
  stdout: Output;
  stderr: Output;
  env: NodeJS.ProcessEnv;
  cwd: string;
};

/**
 * The Io of this process. `onClosed` is called once when the reader of standard output has gone
 * (`berth logs | head`); what is written after that is dropped.
 */
export function processIo(onClosed: () => void): Io {
  return {
    stdin: process.stdin,
    stdout: output(process.stdout, onClosed),
    stderr: output(process.stderr, () => {}),
    env: process.env,
    cwd: process.cwd(),
  };
}

function output(stream: NodeJS.WriteStream, onClosed: () => void): Output {
  let open = true;
  stream.on('error', () => {
    if (open) onClosed();
    open = false;
  });
  return {
    write(text) {
      if (open) stream.write(text);
    },
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      // 0 is what a terminal says that has not been told its size.
      return stream.columns || 80;
    },
  };
}
