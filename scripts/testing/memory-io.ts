import { Readable } from 'node:stream';
import type { Io } from '../io.ts';

export type MemoryIo = Io & { out(): string; err(): string };

export type MemoryOptions = {
  /** Whether the outputs and the input are a terminal; default: no. */
  terminal?: boolean;
  env?: NodeJS.ProcessEnv;
  /** What a person types. */
  typed?: string;
};

/** An Io that keeps what is written, for tests. */
export function memoryIo({ terminal = false, env = {}, typed = '' }: MemoryOptions = {}): MemoryIo {
  const out: string[] = [];
  const err: string[] = [];
  const output = (written: string[]) => ({
    isTTY: terminal,
    columns: 80,
    write: (text: string) => void written.push(text),
  });
  return {
    stdin: Object.assign(Readable.from([typed]), { isTTY: terminal }),
    stdout: output(out),
    stderr: output(err),
    env,
    cwd: '/',
    out: () => out.join(''),
    err: () => err.join(''),
  };
}
