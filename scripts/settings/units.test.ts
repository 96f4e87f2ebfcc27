import assert from 'node:assert/strict';
import { parseDuration, parseSize } from './units.ts';

describe('units', () => {
  it('reads sizes as bytes', () => {
    assert.deepEqual(
      ['512b', '100kb', '1mb', '2GB', '1 mb'].map((text) => parseSize(text)),
      [512, 102_400, 2 ** 20, 2 ** 31, 2 ** 20],
    );
  });

  it('reads times as milliseconds', () => {
    assert.deepEqual(
      ['500ms', '30s', '5m', '1h'].map((text) => parseDuration(text)),
      [500, 30_000, 300_000, 3_600_000],
    );
  });

  for (const text of ['', '1', 'mb', '1.5mb', '-1mb', '1tb', '1constructor', '9999999999mb']) {
    it(`refuses the size ${JSON.stringify(text)}`, () => assert.throws(() => parseSize(text), RangeError));
  }

  it('holds both ends of a range', () => {
    const range = { from: '1s', to: '1h' };
    assert.equal(parseDuration('1h', range), 3_600_000);
    assert.throws(() => parseDuration('999ms', range), /is not between 1s and 1h/);
    assert.throws(() => parseDuration('2h', range), /is not between 1s and 1h/);
  });
});
