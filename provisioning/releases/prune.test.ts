import assert from 'node:assert/strict';
import { keptOf } from './prune.ts';
import type { Release } from './store.ts';

function releases(states: string): Release[] {
  const words = { g: 'good', f: 'failed', s: 'starting' } as const;
  return [...states].map((letter, index) => {
    const state = words[letter as keyof typeof words];
    const same = {
      slug: 's',
      layer: 'l',
      runtime: 'r',
      commit: 'c',
      processes: {},
      memoryLimitMiB: 256,
      environment: '',
      units: '',
      changed: [],
      replaced: null,
      bytes: 0,
    };
    return { ...same, reason: 'deploy', by: 'a@b', createdAt: '', number: index + 1, state };
  });
}

describe('the releases that are kept', () => {
  const rows: [what: string, states: string, inUse: number[], kept: number[]][] = [
    ['the newest five good ones', 'ggggggg', [7], [3, 4, 5, 6, 7]],
    ['good ones, however many failed since', 'gffffffg', [8], [1, 3, 4, 5, 6, 7, 8]],
    ['one that still runs, however old', 'ggggggg', [1, 7], [1, 3, 4, 5, 6, 7]],
    ['none that was given up half way', 'gsg', [3], [1, 3]],
  ];
  for (const [what, states, inUse, kept] of rows) {
    it(`are ${what}`, () => {
      assert.deepEqual(
        keptOf(releases(states), inUse, 5).map(({ number }) => number),
        kept,
      );
    });
  }
});
