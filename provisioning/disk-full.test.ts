import assert from 'node:assert/strict';
import { diskFull } from './disk-full.ts';
import { BerthError } from './errors.ts';

describe('a full disk', () => {
  for (const words of [
    'ENOSPC: no space left on device, write',
    'EDQUOT: disk quota exceeded, open /srv/api/releases/4/env',
    'tar: api/app.ts: Cannot open: No space left on device',
  ]) {
    it(`is named by ${words.slice(0, 30)}`, () => {
      const failed = diskFull(new BerthError('command_failed', words, 'mend it'));
      assert.equal(failed?.code, 'disk_short');
      assert.match(failed?.message ?? '', new RegExp(words.slice(0, 10)));
    });
  }

  it('is not blamed for anything else', () => {
    assert.equal(diskFull(new Error('tar: unexpected end of file')), null);
  });
});
