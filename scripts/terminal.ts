import type { Io, Output } from './io.ts';

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';
export type Paint = (colour: Colour, text: string) => string;

const SGR: Record<Colour, string> = { red: '31', green: '32', yellow: '33', cyan: '36', dim: '2', bold: '1' };

/** Colours for one output: NO_COLOR (https://no-color.org) wins over FORCE_COLOR, which wins over no terminal. */
export function painter(output: Output, env: Io['env']): Paint {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
  const coloured = !env.NO_COLOR && env.FORCE_COLOR !== '0' && (forced || output.isTTY);
  return coloured ? (colour, text) => `\x1b[${SGR[colour]}m${text}\x1b[0m` : (_colour, text) => text;
}

// C0 except tab and newline, DEL, C1, and the marks that reorder text (https://trojansource.codes).
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const UNSAFE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text from a machine made safe to print: what could steer a terminal is shown as `\u001b`. */
export function neutral(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** One event as a line of NDJSON that is safe to print. */
export function jsonLine(event: object): string {
  return `${JSON.stringify(event).replace(UNSAFE, escaped)}\n`;
}

/** `text` on one line of at most `columns` characters. */
export function oneLine(text: string, columns: number): string {
  const line = neutral(text).replaceAll(/\s+/g, ' ').trim();
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
