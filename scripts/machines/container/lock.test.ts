import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { tidyLocks, withLock } from './lock.ts';

describe('withLock', () => {
  let work = '';
  let path = '';
  before(function () {
    if (process.platform !== 'linux') this.skip();
    work = mkdtempSync(join(tmpdir(), 'berth-lock-'));
    path = join(work, 'locks', 'one');
  });
  after(() => rmSync(work, { recursive: true }));

  it('lets one in at a time, tells the others once that they wait, and leaves no file', async () => {
    let inside = 0;
    let most = 0;
    let waits = 0;
    const visit = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await turn();
      inside -= 1;
    };
    const onWait = () => {
      waits += 1;
    };
    await Promise.all(Array.from({ length: 6 }, () => withLock(path, visit, { onWait })));
    assert.equal(most, 1);
    assert(waits <= 5);
    assert.equal(existsSync(path), false);
  });

  it('gives back what the work returns, and lets go when it throws', async () => {
    await assert.rejects(
      withLock(path, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await withLock(path, async () => 42), 42);
  });

  it('is free again once its holder was killed', async () => {
    const program = `import { withLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
await withLock(process.argv[1], () => { console.log('in'); return new Promise(() => setInterval(() => {}, 1000)); });`;
    const holder = spawn(process.execPath, ['--input-type=module-typescript', '-e', program, path]);
    await once(holder.stdout, 'data');
    let waited = false;
    const ours = withLock(path, async () => 'ours', {
      onWait: () => {
        waited = true;
        holder.kill('SIGKILL');
      },
    });
    assert.equal(await ours, 'ours');
    assert(waited);
  });

  it('stops waiting when asked to', async () => {
    await withLock(path, async () => {
      const stop = new AbortController();
      const late = withLock(path, async () => 'never', { signal: stop.signal, onWait: () => stop.abort() });
      await assert.rejects(late, { name: 'AbortError' });
    });
  });

  it('tidies what killed holders left, and only that', async () => {
    await withLock(path, async () => {
      writeFileSync(join(work, 'locks', 'stale'), '');
      await tidyLocks(join(work, 'locks'));
      assert.deepEqual(readdirSync(join(work, 'locks')), ['one']);
    });
  });
});
