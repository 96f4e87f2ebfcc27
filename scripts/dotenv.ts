import { BerthError } from '../provisioning/errors.ts';

/**
 * Parses the text of a `.env` file: `NAME=value` lines, also after `export`; comments; values in single quotes, which
 * stand for themselves, or in double quotes, where `\"`, `\\`, `\$`, `` \` `` and `\n` mean a character. Variables
 * are not put in place. What other readers of such files understand differently is refused and not guessed.
 *
 * @throws BerthError `dotenv_invalid` with every line that cannot be read, none of which is shown: it may be a secret
 */
export function parseDotenv(text: string, path: string): Record<string, string> {
  const values: Record<string, string> = {};
  const problems: string[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, rest = ''] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    const value = name === undefined ? new RangeError('is not NAME=value') : valueIn(rest);
    if (value instanceof RangeError)
      problems.push(`${path}:${index + 1} ${name ?? 'the line'} ${value.message}`);
    else values[name as string] = value;
  }
  if (problems.length === 0) return values;
  throw new BerthError('dotenv_invalid', problems.join('\n'), `mend ${path}; nothing was changed`);
}

const quoted = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:#.*)?$/;

function valueIn(text: string): string | RangeError {
  const found = quoted.exec(text);
  if (found) return found[1] ?? unescaped(found[2] as string);
  if (/^['"]/.test(text)) return new RangeError('begins with a quote that its line does not end');
  if (text.startsWith('`')) return new RangeError('begins with a backtick; use single or double quotes');
  const plain = text.replace(/(^|\s+)#.*$/, '');
  return plain.includes('#') ? new RangeError('has a # in it: put the value in single quotes') : plain;
}

function unescaped(text: string): string {
  return text.replace(/\\([\\"$`n])/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
