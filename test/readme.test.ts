import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { entries } from '../scripts/commands/index.ts';

const root = dirname(import.meta.dirname);
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const readme = read('README.md');

/** Names in backticks in the first cell of each table row. */
const named = new Set(
  readme
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name)),
);

/** The codes of the table under the heading on troubleshooting. */
function documentedCodes(): string[] {
  const [, section = ''] = readme.split('\n## When something is wrong\n');
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((line) =>
    [...(line.split('|')[1] ?? '').matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => code),
  );
}

const text = (expression: string) => /^'([a-z_]+)'$/.exec(expression)?.[1];

/** A code that another error, result or message has had before: named where that one is made. */
const passedOn = (expression: string) => /\.code$/.test(expression);

/** The error codes that a source makes; throws for one that it makes in a way which cannot be followed here. */
function codesOf(path: string): string[] {
  const source = read(path);
  if (path.endsWith('.sh'))
    return [...source.matchAll(/\berror ([a-z]+_[a-z_]+)/g)].map(([, code = '']) => code);
  // `{ code: 'internal', message, hint }`: what is no BerthError and is shown as one.
  const shown = [...source.matchAll(/\{\s*code: ('[a-z_]+'),/g)].map(([, code = '']) => text(code) ?? '');
  const made = [...source.matchAll(/new BerthError\(\s*([^,]+?)\s*,/g)].flatMap(([, first = '']) => {
    const literal = text(first);
    if (literal !== undefined) return literal;
    return passedOn(first) ? [] : given(source, first, path);
  });
  return [...shown, ...made];
}

/** In a file where a variable becomes a code, every text that looks like one counts. */
function given(source: string, variable: string, path: string): string[] {
  const found = [...source.matchAll(/'([a-z]+(?:_[a-z]+)+)'/g)].map(([, code = '']) => code);
  assert.ok(
    found.length > 0,
    `${path}: new BerthError(${variable}, …) and no code to be seen; teach this test`,
  );
  return found;
}

const sources = ['provisioning', 'scripts'].flatMap((folder) =>
  globSync(`${folder}/**/*.{ts,sh}`, { cwd: root }).filter((path) => !path.endsWith('.test.ts')),
);

/** `apps.<app>.max_body` and the like, of every key in example.yml, also of those that are comments. */
function settings(): string[] {
  const path: string[] = [];
  return read('provisioning/hosts/example.yml')
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', key = ''] = /^( *)#?([a-z_]+):/.exec(line) ?? [];
      if (key === '') return [];
      path.splice(indent.length / 2, path.length, path[0] === 'apps' && indent.length === 2 ? '<app>' : key);
      return [path.join('.')];
    });
}

describe('the README', () => {
  it('explains every error code of the source, and no other', () => {
    const known = new Set(sources.flatMap(codesOf));
    const documented = documentedCodes();
    assert.ok(known.size > 50, 'the source was read');
    const missing = [...known].filter((code) => !documented.includes(code)).sort();
    assert.deepEqual(missing, [], 'codes without a row under "When something is wrong"');
    const stale = documented.filter((code) => !known.has(code));
    assert.deepEqual(stale, [], 'rows for codes that nothing makes');
  });

  it('names every command', () => {
    const words = [...named].flatMap((name) => /^berth (\w+)/.exec(name ?? '')?.[1] ?? []);
    const missing = entries.map(({ word }) => word).filter((word) => !words.includes(word));
    assert.deepEqual(missing, []);
  });

  it('has a row for every setting of example.yml', () => {
    const all = settings();
    // A section is explained by its keys, and what stands below a setting of an application is a person's own.
    const leaves = all.filter((one) => one === 'apps' || !all.some((other) => other.startsWith(`${one}.`)));
    const rows = new Set(leaves.map((one) => one.split('.').slice(0, 3).join('.')));
    assert.ok(rows.size > 25, 'example.yml was read');
    assert.deepEqual(
      [...rows].filter((one) => !named.has(one)),
      [],
    );
  });
});
