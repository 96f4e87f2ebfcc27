import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from './errors.ts';

const root = join(import.meta.dirname, '..');

/**
 * A template of `systemd/` or `nginx/` with its named holes, `{{name}}`, filled in.
 *
 * @throws BerthError `template_hole` when a hole and the values do not match
 */
export function render(path: string, values: Record<string, string | number> = {}): string {
  const text = readFileSync(join(root, path), 'utf8');
  const unused = new Set(Object.keys(values));
  const filled = text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    unused.delete(name);
    const value = values[name];
    if (value === undefined) throw hole(path, name, 'has no value');
    return String(value);
  });
  for (const name of unused) throw hole(path, name, 'is not in the template');
  return filled;
}

function hole(path: string, name: string, what: string): BerthError {
  return new BerthError(
    'template_hole',
    `${path}: {{${name}}} ${what}`,
    'this is a defect of Berth: please report it',
  );
}
