import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Context } from './command.ts';

/** Whether the person can be asked; nobody is with `--yes`, which takes what is proposed. */
export function asks({ io, flags }: Pick<Context, 'io' | 'flags'>): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY && !flags.yes;
}

/** One line from the person at the terminal; the empty one, and the input's end, are `proposal`. */
export async function ask(
  { io, signal }: Pick<Context, 'io' | 'signal'>,
  question: string,
  proposal: string,
): Promise<string> {
  io.stderr.write(`${question}${proposal === '' ? '' : ` [${proposal}]`}: `);
  const lines = createInterface({ input: io.stdin });
  try {
    // Ctrl-D ends the input without an answer, which readline alone would wait for.
    const ended = once(lines, 'close', { signal }).then(() => '');
    const typed = await Promise.race([lines.question('', { signal }), ended]);
    return typed.trim() || proposal;
  } finally {
    lines.close();
  }
}
