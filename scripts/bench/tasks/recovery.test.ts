import assert from 'node:assert/strict';
import { recovery } from './recovery.ts';
import { verdictOf } from './verdict.ts';

describe('the recovery from a kill', () => {
  it('is the time to the next event', () => assert.equal(recovery(1_000, [900, 3_500, 3_510]), 2_500));
  it('is the pause that follows what was still under way', () =>
    assert.equal(recovery(1_000, [1_010, 1_030, 4_030, 4_040]), 3_000));
  it('knows nothing of pauses that begin later', () =>
    assert.equal(recovery(1_000, [1_400, 1_900, 2_300, 9_000]), 500));
  it('is unknown where nothing comes any more', () => assert.equal(recovery(1_000, [500]), Number.NaN));
});

describe('the verdict on tasks', () => {
  const outcome = (id: number, status: string, effects: number) => ({ id, status, effects, finishedAt: 0 });

  it('names each end', () => {
    const accepted = [1, 2, 3, 4, 5, 6, 7].map((id) => ({ id }));
    const outcomes = [
      ...[outcome(1, 'done', 1), outcome(2, 'done', 2), outcome(3, 'done', 0), outcome(4, 'failed', 0)],
      ...[outcome(5, 'running', 0), outcome(6, 'failed', 1), outcome(8, 'done', 1)],
    ];
    const { strangers, ...ends } = verdictOf(accepted, outcomes);
    assert.deepEqual(ends, { accepted: 7, once: 1, doubled: 1, failed: 1, lost: 4 });
    assert.equal(strangers, 1);
  });
});
