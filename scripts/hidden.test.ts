import assert from 'node:assert/strict';
import { readHidden } from './hidden.ts';
import { memoryIo } from './testing/memory-io.ts';

describe('values from standard input', () => {
  const read = (typed: string, names: string[]) =>
    readHidden({ io: memoryIo({ typed }), signal: new AbortController().signal }, names);

  it('are all of it for one name, without the line break at its end', async () => {
    assert.deepEqual(await read(' two  words \n', ['A']), { A: ' two  words ' });
    assert.deepEqual(await read('a\nb\n', ['A']), { A: 'a\nb' });
    assert.deepEqual(await read('', ['A']), { A: '' });
  });

  it('are a line for each of several names', async () => {
    assert.deepEqual(await read('1\r\n2\n', ['A', 'B']), { A: '1', B: '2' });
    await assert.rejects(read('hunter2\n', ['A', 'B']), {
      code: 'wrong_usage',
      message: /^(?!.*hunter2).* 1 lines/,
    });
  });
});
