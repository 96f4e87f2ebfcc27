import assert from 'node:assert/strict';
import { accessText, parseAccess } from './access-line.ts';

/** As nginx 1.26 writes it. */
const line =
  '{"time":"2026-11-21T13:47:55+02:00","request_id":"0d39","address":"10.77.0.1","method":"GET","host":"10.77.0.3",' +
  '"path":"/api/posts","status":401,"bytes":167,"seconds":0.022,"upstream_seconds":"0.021","upstream_status":"401",' +
  '"app":"api","release":"v3","protocol":"HTTP/2.0","agent":"a \\"b\\""}';

describe('a line of the access log', () => {
  it('is read, and said on one line', () => {
    const entry = parseAccess(line);
    assert.ok(entry);
    assert.equal(
      accessText(entry),
      '2026-11-21T11:47:55.000Z api v3 GET 10.77.0.3/api/posts 401 0.022s 167B 10.77.0.1 HTTP/2.0 0d39 "a \\"b\\""',
    );
  });

  it('may be nginx’s own answer', () => {
    const entry = parseAccess(line.replace('"api"', '""').replace('"v3"', '"-"'));
    assert.ok(entry);
    assert.match(accessText(entry), /Z nginx GET /);
  });

  it('is nothing where it is none of ours', () => {
    for (const text of ['', 'GET / HTTP/1.1', '{}', 'null', '{"time":"never"}'])
      assert.equal(parseAccess(text), null);
  });
});
