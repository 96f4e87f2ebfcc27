import assert from 'node:assert/strict';
import { BoundedMap } from './bounded-map.ts';

describe('a bounded map', () => {
  it('forgets the oldest, and never holds more than it may', () => {
    const map = new BoundedMap<number, number>(3);
    for (let n = 1; n <= 5; n += 1) map.set(n, n * n);
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((n) => map.get(n)),
      [undefined, undefined, 9, 16, 25],
    );
  });

  it('has room again for what was deleted', () => {
    const map = new BoundedMap<string, string>(2);
    map.set('a', 'x');
    map.set('b', 'y');
    map.delete('a');
    map.set('c', 'z');
    assert.deepEqual([map.get('a'), map.get('b'), map.get('c')], [undefined, 'y', 'z']);
  });
});
