import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { slugId } from '../releases/identity.ts';
import { entriesOf, requireInside } from './take-over.ts';

describe('what is taken over of a build', () => {
  const inside: [path: string, target: string][] = [
    ['a', 'b'],
    ['a', './b/c'],
    ['node_modules/.bin/tsc', '../typescript/bin/tsc'],
    ['node_modules/@scope/one', '../../packages/one'],
    ['a/b', '..'],
    ['a/b', '...'],
  ];
  for (const [path, target] of inside) {
    it(`has the symlink ${path} → ${target}`, () => requireInside(path, target));
  }

  const outside: [path: string, target: string][] = [
    ['a', '/etc/api/env'],
    ['a', '..'],
    ['a', '../a'],
    ['a/b', '../../c'],
    ['a/b', './../../c'],
    // Through another symlink, `..` is not where it looks to be.
    ['a/b', 'c/../../d'],
    ['a/b', 'c/..'],
    ['a', ''],
  ];
  for (const [path, target] of outside) {
    it(`has no symlink ${path} → ${JSON.stringify(target)}`, () => {
      assert.throws(() => requireInside(path, target), { code: 'slug_refused' });
    });
  }
});

describe('a slug by what is in it', () => {
  const root = mkdtempSync(join(tmpdir(), 'berth-entries-'));
  after(() => rmSync(root, { recursive: true }));

  it('has another name for another content, mode, target or kind, and no other reason', async () => {
    const name = async () => slugId(await entriesOf(root));
    const seen = new Set<string>();
    const changes = [
      () => writeFileSync(join(root, 'file'), 'one', { mode: 0o644 }),
      () => writeFileSync(join(root, 'file'), 'two'),
      () => mkdirSync(join(root, 'folder')),
      () => symlinkSync('../file', join(root, 'folder/link')),
      () => {
        rmSync(join(root, 'file'));
        writeFileSync(join(root, 'file'), 'two', { mode: 0o755 });
      },
    ];
    for (const change of changes) {
      change();
      const id = await name();
      assert.match(id, /^[0-9a-f]{16}$/);
      assert.ok(!seen.has(id));
      seen.add(id);
    }
    const entries = await entriesOf(root);
    assert.equal(slugId(entries.toReversed()), slugId(entries));
  });
});
