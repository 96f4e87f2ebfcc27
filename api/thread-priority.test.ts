import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { getPriority } from 'node:os';
import bcrypt from 'bcrypt';
import { lowerPoolPriority } from './thread-priority.ts';

describe('the priority of threads', () => {
  if (process.platform !== 'linux') return;

  const priorities = async () => (await readdir('/proc/self/task')).map((id) => getPriority(Number(id)));

  it('is lower for those of the pool, and for no other', async () => {
    const own = getPriority();
    await lowerPoolPriority();
    const lowered = (await priorities()).filter((priority) => priority !== own);
    assert.equal(getPriority(), own);
    assert.ok(own >= 10 || lowered.length > 0);
    assert.ok(lowered.every((priority) => priority === 10));
    assert.ok(lowered.length <= Number(process.env.UV_THREADPOOL_SIZE ?? 4));
  });

  it('leaves the pool at work', async () => {
    await lowerPoolPriority();
    assert.match(await bcrypt.hash('x', 4), /^\$2b\$04\$/);
  });
});
