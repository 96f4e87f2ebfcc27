import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Kind } from './kind.ts';
import { createQuarantine } from './quarantine.ts';
import type { Started } from './store.ts';

describe('a quarantine', () => {
  const program = join(import.meta.dirname, '../testing/suspects.ts');
  const quarantine = createQuarantine(program, [], 20_000);
  const kindOf = (name: string, timeoutMs = 60_000) => ({ name, timeoutMs }) as Kind;
  const attempt = (kind: string, id = 1) => quarantine.attempt(kindOf(kind), { id } as Started);
  after(() => quarantine.end());

  it('says how a task has ended', async () => assert.equal(await attempt('fine'), 'done'));

  it('outlives a task that ends its process, and says so', async () => {
    assert.deepEqual(await attempt('exit'), { failed: 'It ended its process: exit code 3' });
    assert.deepEqual(await attempt('kill'), { failed: 'It ended its process: SIGKILL' });
    assert.equal(await attempt('fine'), 'done');
  });

  it('tries one after the other, so that none is taken for another', async () => {
    const endings = await Promise.all([3, 1, 2].map((id) => attempt('odd', id)));
    assert.deepEqual(
      endings.map((ending) => ending === 'done'),
      [false, false, true],
    );
  });

  it('keeps its process from one to the next', async () => {
    assert.deepEqual(await attempt('pid'), await attempt('pid'));
  });

  it('leaves nothing behind that listens', async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    process.on('warning', hear);
    for (let n = 0; n < 12; n++) assert.equal(await attempt('fine'), 'done');
    process.off('warning', hear);
    assert.deepEqual(warnings, []);
  });

  it('ends a process that does not let go', async () => {
    const ending = await quarantine.attempt(kindOf('loop', 100), { id: 1 } as Started);
    assert.deepEqual(ending, { failed: 'It ended its process: SIGKILL' });
  });

  it('starts another process where one could not be started', async () => {
    const { execPath } = process;
    try {
      process.execPath = '/nowhere';
      await assert.rejects(attempt('new'), /ENOENT/);
    } finally {
      process.execPath = execPath;
    }
    assert.equal(await attempt('new'), 'done');
  });

  it('lets a kind wait for its own alone, and puts off who waits too long', async () => {
    const impatient = createQuarantine(program, [], 100);
    const started = { id: 1 } as Started;
    const hanging = impatient.attempt(kindOf('hang'), started);
    assert.equal(await impatient.attempt(kindOf('fine'), started), 'done');
    assert.equal(await impatient.attempt(kindOf('hang'), started), 'put off');
    impatient.end();
    assert.deepEqual(await hanging, { failed: 'It ended its process: SIGKILL' });
  });
});
