import assert from 'node:assert/strict';
import { decodeScale, encodeScale, formation } from './formation.ts';

describe('the formation of a release', () => {
  const small = { memoryMiB: 1024 };
  const procfile = { web: 'node web.js', worker: 'node worker.js', clock: './tick', release: './migrate' };
  const of = (processes: Record<string, number>, scale = {}) =>
    formation({ memoryMiB: 8192 }, small, { processes }, procfile, scale);

  it('is what the settings say, one of each where a small machine is to choose', () => {
    assert.deepEqual(of({ web: 3, worker: 2 }), { web: 3, worker: 2 });
    assert.deepEqual(of({ web: 0, worker: 0 }), { web: 1, worker: 1 });
    assert.deepEqual(of({ worker: 1 }), { web: 1, worker: 1 });
  });

  it('is what berth scale says, also none of a process and one that the settings do not name', () => {
    assert.deepEqual(of({ web: 0, worker: 2 }, { worker: 0, clock: 1 }), { web: 1, worker: 0, clock: 1 });
  });

  it('has nothing that the Procfile does not name, nor what it names to be run once', () => {
    assert.deepEqual(of({ web: 1, mailer: 2 }, { release: 1, brief: 1 }), { web: 1 });
  });

  it('keeps its numbers as text, and none where nothing was scaled', () => {
    assert.deepEqual(decodeScale(encodeScale({ web: 2 })), { web: 2 });
    assert.deepEqual(decodeScale(''), {});
  });
});
