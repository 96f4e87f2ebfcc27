import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';

const script = join(import.meta.dirname, 'berth.ts');

describe('the process of berth', () => {
  it('ends with the exit code of its command', async () => {
    await assert.rejects(promisify(execFile)(process.execPath, [script, 'destory']), {
      code: 64,
      stdout: '',
    });
  });

  it('does not mind a reader that goes away', async () => {
    const child = spawn(process.execPath, [script, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const said = child.stderr.setEncoding('utf8').toArray();
    const [code] = await once(child, 'close');
    assert.deepEqual([code, await said], [0, []]);
  });
});
