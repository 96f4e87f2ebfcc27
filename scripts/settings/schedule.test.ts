import assert from 'node:assert/strict';
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { schedule } from './schedule.ts';

describe('a schedule', () => {
  const taken = [
    ...['* * * * *', '30 3 * * *', '*/5 * * * *', '0 0 1 1 0', '0 4 * * 7', '59 23 31 12 *'],
    ...['0,15,30-45/5 8-18 1-7 jan-mar,6 mon-fri', '0 0 * DEC Sun'],
    ...['0 0 29 2 *', '0 0 31 1,6 *', '0 0 31 2 mon', '0 0 * * 0-7', '0 0 * * 1-6,7'],
  ];
  for (const text of taken) {
    it(`may be ${text}`, () => assert.equal(schedule(text), text));
  }

  it('has one blank between two fields', () => {
    assert.equal(schedule('  0   3 * *\t* '), '0 3 * * *');
  });

  const refused: [text: string, reason: RegExp][] = [
    ['', /^is not a schedule such as/],
    ['@daily', /^is not a schedule such as/],
    ['* * * *', /^is not a schedule such as/],
    ['0 0 3 * * *', /^is not a schedule such as/],
    ['60 * * * *', /^has "60" as its minute, which is 0 to 59/],
    ['* 24 * * *', /^has "24" as its hour/],
    ['* * 0 * *', /^has "0" as its day of the month/],
    ['* * * 13 *', /^has "13" as its month/],
    ['* * * * 8', /^has "8" as its day of the week/],
    ['* * * * monday', /^has "monday" as its day of the week/],
    ['* * jan * *', /^has "jan" as its day of the month/],
    ['5-1 * * * *', /^has "5-1" as its minute/],
    ['1-2-3 * * * *', /^has "1-2-3" as its minute/],
    ['5/10 * * * *', /^has "5\/10" as its minute/],
    ['*/0 * * * *', /^has "\*\/0" as its minute/],
    ['1, * * * *', /^has "" as its minute/],
    ['-1 * * * *', /^has "" as its minute/],
    ['1.5 * * * *', /^has "1.5" as its minute/],
    ['0 0 31 2 *', /^names a day that never comes/],
    ['0 4 31 6 *', /^names a day that never comes/],
    ['0 0 31 4,6 *', /^names a day that never comes/],
    ['0 0 30-31 feb *', /^names a day that never comes/],
    ['0 0 1,1 * *', /^has 1 more than once as its day of the month/],
    ['*/5,10 * * * *', /^has 10 more than once as its minute/],
    ['0 0 * 1,jan *', /^has 1 more than once as its month/],
    ['0 0 * * sun,7', /^has 0 more than once as its day of the week/],
    ['* * L * *', /^has "L" as its day of the month/],
    ['* * * * 1#2', /^has "1#2" as its day of the week/],
  ];
  for (const [text, reason] of refused) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.throws(() => schedule(text), { name: 'RangeError', message: reason });
    });
  }

  it('is one to the parser of the bundled API', () => {
    const field = (from: number, to: number) => {
      const number = fc.integer({ min: from, max: to }).map(String);
      const range = fc.oneof(
        fc.constant('*'),
        fc.tuple(number, number).map((ends) => ends.join('-')),
      );
      const stepped = fc.tuple(range, fc.integer({ min: 1, max: 70 })).map((parts) => parts.join('/'));
      const part = fc.oneof(number, range, stepped);
      return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(','));
    };
    const fields = [field(0, 59), field(0, 23), field(26, 31), field(1, 12), field(0, 7)];
    fc.assert(
      fc.property(fc.tuple(...fields), (given) => {
        const text = given.join(' ');
        fc.pre(isTaken(text));
        CronExpressionParser.parse(text);
      }),
      { numRuns: 300 },
    );
  });
});

function isTaken(text: string): boolean {
  try {
    schedule(text);
    return true;
  } catch {
    return false;
  }
}
