import assert from 'node:assert/strict';
import { bytesText, instant, spanText, table } from './table.ts';

describe('a table', () => {
  it('has its columns under their headings, and nothing that steers a terminal', () => {
    const text = table(
      ['A', 'LONG', 'C'],
      [
        ['aaa', '1', 'x\x1b[2J'],
        ['b', '22', ''],
      ],
    );
    assert.equal(text, 'A    LONG  C\naaa  1     x\\u001b[2J\nb    22\n');
  });

  it('words times, sizes and spans', () => {
    assert.equal(instant('2026-11-21T09:34:20.123Z'), '2026-11-21 09:34:20');
    assert.deepEqual([27e6, 5e6, 3e9].map(bytesText), ['26 MiB', '4.8 MiB', '2.8 GiB']);
    assert.deepEqual([0, 59, 60, 7200, 90_000].map(spanText), ['0s', '59s', '1m', '2h', '1d']);
  });
});
