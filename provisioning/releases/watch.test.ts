import assert from 'node:assert/strict';
import { judge, parseLine, type Served } from './watch.ts';

function served(count: number, { failures = 0, seconds = 0.01 } = {}): Served[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ at: index, app: 'api', release: 'v2', seconds },
    status: index < failures ? 500 : 200,
  }));
}

describe('the watch over a new release', () => {
  const quiet = served(100);
  const rows: [what: string, before: Served[], since: Served[], reason: RegExp | null][] = [
    ['one that serves as well as before', quiet, served(100), null],
    ['too few answers to tell', quiet, served(19, { failures: 19 }), null],
    ['a failure or two', quiet, served(20, { failures: 2 }), null],
    ['every fifth answer a failure', quiet, served(20, { failures: 4 }), /4 of 20 answers were failures/],
    ['as many failures as before', served(100, { failures: 20 }), served(100, { failures: 25 }), null],
    ['failures with no traffic before', [], served(30, { failures: 10 }), /failures/],
    ['answers three times as slow and more', quiet, served(30, { seconds: 0.5 }), /takes 0\.50 s/],
    ['answers slower by what nobody feels', quiet, served(30, { seconds: 0.05 }), null],
    ['slow answers with no traffic before', [], served(30, { seconds: 5 }), null],
  ];
  for (const [what, before, since, reason] of rows) {
    it(`${reason === null ? 'keeps' : 'takes back'} ${what}`, () => {
      const said = judge(before, since);
      if (reason === null) assert.equal(said, null);
      else assert.match(said ?? '', reason);
    });
  }

  it('reads the lines that nginx writes, and none that it does not', () => {
    const line =
      '{"time":"2026-11-21T08:36:26+00:00","request_id":"fb70","address":"10.77.0.1","method":"GET","host":"h","path":"/api/livez",' +
      '"status":200,"bytes":0,"seconds":0.007,"upstream_seconds":"0.007","upstream_status":"200","app":"api","release":"v1"}';
    const expected = {
      at: Date.UTC(2026, 10, 21, 8, 36, 26),
      app: 'api',
      status: 200,
      seconds: 0.007,
      release: 'v1',
    };
    assert.deepEqual(parseLine(line), [expected]);
    assert.deepEqual(parseLine('127.0.0.1 - - "GET / HTTP/1.1" 200'), []);
  });
});
