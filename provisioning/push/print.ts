import { BerthError, messageOf } from '../errors.ts';
import type { ErrorView } from '../events.ts';

// C0 except tab, DEL, C1, and the marks that reorder text: a build must not steer the pusher's terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const unsafe = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A line for the pusher, whose git puts `remote: ` before it. */
export function print(line: string): void {
  process.stdout.write(`${line.replace(unsafe, '')}\n`);
}

export function printFailure(error: unknown): void {
  const known = error instanceof BerthError;
  const hint = known ? error.hint : 'this is a defect of Berth: please report it with this text';
  printError({ code: known ? error.code : 'internal', message: messageOf(error), hint });
}

export function printError({ code, message, hint }: ErrorView): void {
  for (const line of `error: ${message} (${code})`.split('\n')) print(line);
  print(`next:  ${hint}`);
}
