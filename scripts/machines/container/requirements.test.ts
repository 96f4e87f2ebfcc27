import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertRoom, requiredPackages } from './requirements.ts';

describe('what this computer must have', () => {
  it('is named by package, each once', () => {
    const packages = requiredPackages('');
    assert.equal(new Set(packages).size, packages.length);
    if (existsSync('/usr/bin/apt-get')) assert(packages.every((name) => /^[a-z0-9-]+$/.test(name)));
  });

  it('is room, measured where the state will be even if nothing is there yet', function () {
    if (process.platform !== 'linux') this.skip();
    assertRoom({ stateDirectory: join(tmpdir(), 'not', 'there', 'yet'), memoryMiB: 1 });
    assert.throws(() => assertRoom({ stateDirectory: '/proc' }), {
      code: 'disk_full',
      message: /0\.0 GiB are free at \/proc/,
    });
  });
});
