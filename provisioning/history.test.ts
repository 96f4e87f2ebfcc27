import assert from 'node:assert/strict';
import { entriesOf } from './history.ts';

describe('the history', () => {
  const line = (id: string, rest: object) => `${JSON.stringify({ id, at: `2026-11-2${id}`, ...rest })}\n`;
  const begun = {
    verb: 'deploy',
    app: 'api',
    what: 'abc1234',
    by: 'joan@laptop',
    user: 'deploy',
    from: '::1',
  };
  const open = { message: null, release: null, seconds: null };

  it('joins the begin and the end of each run', () => {
    const ended = { result: 'done', release: 4, seconds: 2 };
    const [entry] = entriesOf(line('1', { begun }) + line('1', { ended }), undefined);
    assert.deepEqual(entry, { id: '1', at: '2026-11-21', ...begun, message: null, ...ended });
  });

  it('knows the run that goes on, and those that were killed', () => {
    const [killed, running] = entriesOf(line('1', { begun }) + line('2', { begun }), '2');
    assert.deepEqual(killed, { id: '1', at: '2026-11-21', ...begun, ...open, result: 'run_died' });
    assert.equal(running?.result, 'running');
  });

  it('skips half a line that a power cut has left', () => {
    const text = `${line('1', { begun })}{"id":"2","at":\n${line('3', { begun })}`;
    assert.deepEqual(
      entriesOf(text, undefined).map(({ id }) => id),
      ['1', '3'],
    );
  });
});
