import assert from 'node:assert/strict';
import { parseQueue } from './queue-view.ts';

const view = {
  ...{ queue: 'rabbitmq', connected: true, unsent: 0, warnings: ['slow'] },
  kinds: [{ kind: 'digest', waiting: 3, running: 1, retrying: 0, oldest_seconds: 12, known: true }],
  held: [{ id: 7, kind: 'digest', status: 'running', attempts: 2, age_seconds: 30.5, error: null }],
  parked: [{ id: 9, kind: 'digest', attempts: 5, error: 'broken', failed_at: '2026-11-21T09:47:18Z' }],
};

describe('what an application says of its tasks', () => {
  it('is read as it was printed', () => {
    assert.deepEqual(parseQueue(`${JSON.stringify(view)}\n`), view);
    const none = { ...view, kinds: [{ ...view.kinds[0], oldest_seconds: null }], held: [], parked: [] };
    assert.deepEqual(parseQueue(JSON.stringify(none)), none);
  });

  const others: unknown[] = [
    ...[null, [], 7, 'tasks', {}],
    ...[
      { ...view, queue: 'redis' },
      { ...view, unsent: -1 },
      { ...view, connected: 'yes' },
    ],
    ...[
      { ...view, kinds: {} },
      { ...view, kinds: [{ kind: 'digest' }] },
      { ...view, held: [null] },
    ],
    ...[
      { ...view, parked: [{ ...view.parked[0], id: '9' }] },
      { ...view, warnings: [7] },
    ],
  ];
  for (const other of others) {
    it(`is not ${JSON.stringify(other).slice(0, 80)}`, () => {
      assert.throws(() => parseQueue(JSON.stringify(other)), { code: 'queue_unreadable' });
    });
  }

  it('is nothing besides', () => {
    for (const text of ['', 'hello', `listening\n${JSON.stringify(view)}`]) {
      assert.throws(() => parseQueue(text), { code: 'queue_unreadable' });
    }
  });
});
