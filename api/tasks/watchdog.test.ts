import assert from 'node:assert/strict';
import { run } from '../testing/process.ts';

describe('a watchdog', function () {
  this.timeout(30_000);

  it('lets a process be that turns, and ends one that does not', async () => {
    const { exit } = run('api/testing/stuck.ts', { PATH: process.env.PATH ?? '' });
    const { signal, stdout, stderr } = await exit;
    assert.deepEqual([signal, stdout], ['SIGKILL', 'turning\n']);
    assert.match(stderr, /does not turn/);
  });
});
