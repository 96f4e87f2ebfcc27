import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { BerthError } from '../provisioning/errors.ts';
import type { Context } from './command.ts';

/**
 * Values that must not be seen: asked for one by one without an echo, or, where nobody is at a terminal, a line of
 * standard input each; for a single one all of the input, without the line break at its end.
 *
 * @throws BerthError `wrong_usage` when the input has another number of lines, `interrupted`
 */
export async function readHidden(
  context: Pick<Context, 'io' | 'signal'>,
  names: string[],
): Promise<Record<string, string>> {
  const { io } = context;
  if (io.stdin.isTTY === true) {
    const values: Record<string, string> = {};
    for (const name of names) values[name] = await askHidden(context, `Value of ${name} (not shown): `);
    return values;
  }
  const all = (await text(io.stdin)).replace(/\r?\n$/, '');
  const lines = names.length === 1 ? [all] : all.split(/\r?\n/);
  if (lines.length === names.length)
    return Object.fromEntries(names.map((name, index) => [name, lines[index] as string]));
  throw new BerthError(
    'wrong_usage',
    `standard input has ${lines.length} lines for ${names.length} variables`,
    'give the value of each on a line of its own, in the order of the names',
  );
}

/**
 * One line typed at a terminal, without an echo. A paste of several lines is handed on whole, for its line breaks to be
 * refused rather than its end lost.
 *
 * @throws BerthError `interrupted`
 */
export async function askHidden(
  { io, signal }: Pick<Context, 'io' | 'signal'>,
  question: string,
): Promise<string> {
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: io.stdin, output, terminal: true, historySize: 0 });
  // Only now is there no echo.
  io.stderr.write(question);
  const typed: string[] = [];
  lines.on('line', (line) => {
    typed.push(line);
    setImmediate(() => lines.close());
  });
  // In the mode without an echo the terminal makes no signal of Ctrl-C.
  lines.on('SIGINT', () => lines.close());
  try {
    await once(lines, 'close', { signal });
  } finally {
    lines.close();
    io.stderr.write('\n');
  }
  if (typed.length > 0) return typed.join('\n');
  throw new BerthError('interrupted', 'stopped before it was done', 'run the same command again');
}
