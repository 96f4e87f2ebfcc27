import { constants, type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Host } from '../host.ts';

export type Confined = {
  /** A file that is its standard input; default: none. */
  input?: string;
  /** A file that takes its standard output, made anew and readable by root alone; default: none is kept. */
  output?: string;
  /** Told each line of its standard output, in place of `output`. */
  onOutput?: (line: string) => void;
  /** Told each line of its standard error. */
  onLine: (line: string) => void;
};

/** The longest line that is kept whole: what runs here may print any amount without ending one. */
const lineLength = 4096;

/**
 * Runs a program to its end and returns its exit code. Its files are opened here, so that it reads and writes them
 * although it could reach neither by its path.
 */
export async function confined(
  host: Host,
  argv: readonly string[],
  { input, output, onOutput, onLine }: Confined,
): Promise<number> {
  const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const files: FileHandle[] = [];
  const opened = async (path: string, flags: number) => {
    const file = await open(path, flags | O_NOFOLLOW, 0o600);
    files.push(file);
    return file.fd;
  };
  try {
    const stdin = input === undefined ? 'ignore' : await opened(input, O_RDONLY);
    const other = onOutput ? 'pipe' : 'ignore';
    const stdout = output === undefined ? other : await opened(output, O_WRONLY | O_CREAT | O_EXCL);
    const child = await host.spawn(argv, { stdio: [stdin, stdout, 'pipe'] });
    const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 128)));
    const listed = onOutput ? readLines(child.stdout as Readable, onOutput) : undefined;
    await Promise.all([listed, readLines(child.stderr as Readable, onLine)]);
    return await ended;
  } finally {
    for (const file of files) await file.close();
  }
}

async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  for await (const text of stream.setEncoding('utf8')) {
    const lines = (rest + text).split(/[\r\n]+/);
    rest = (lines.pop() ?? '').slice(-lineLength);
    for (const line of lines) if (line !== '') onLine(line.slice(0, lineLength));
  }
  if (rest !== '') onLine(rest);
}
