import assert from 'node:assert/strict';
import { loadText } from './load-text.ts';

describe('the load of an application', () => {
  const load = {
    requestsPerSecond: 12.34,
    answers: 4000,
    failed: 0.002,
    p99Ms: 34.4,
    pool: { used: 2, size: 20 },
    lagMs: 0.62,
  };

  it('is said in one line', () => {
    assert.equal(
      loadText(load),
      '12.3 requests/s (0.2 % failed, p99 34 ms since its start), pool 2/20, lag 0.6 ms',
    );
  });

  it('leaves out what is not known', () => {
    const fresh = { ...load, requestsPerSecond: 0, answers: 0, failed: null, p99Ms: null };
    assert.equal(loadText({ ...fresh, pool: null, lagMs: null }), '0.0 requests/s (none since its start)');
    assert.equal(loadText(null), '');
  });
});
