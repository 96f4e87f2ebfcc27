import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kept } from './bundle.ts';

describe('a file of the cache', () => {
  it('stays the first of two that are made side by side', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'berth-cache-'));
    try {
      const path = await kept(cache, 'layer.tgz', async (file) => {
        writeFileSync(file, 'second');
        // As another process does, which was faster.
        writeFileSync(join(cache, 'layer.tgz'), 'first');
      });
      assert.equal(readFileSync(path, 'utf8'), 'first');
      assert.deepEqual(readdirSync(cache), ['layer.tgz']);
    } finally {
      rmSync(cache, { recursive: true });
    }
  });
});
