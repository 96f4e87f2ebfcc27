import assert from 'node:assert/strict';
import { useApi } from './testing/api.ts';

describe('Server-Timing', () => {
  const api = useApi();
  const asking = { Prefer: 'respond-async, Server-Timing' };
  const timingOf = (headers: Headers) => headers.get('server-timing');

  it('is answered to the signed-in who prefer it', async () => {
    const ada = await api.signUp('ada');
    const { headers } = await ada.get('/posts', asking);
    assert.equal(headers.get('preference-applied'), 'server-timing');
    const text = timingOf(headers) ?? '';
    const [, total, auth, db, queries] =
      /^total;dur=([\d.]+), auth;dur=([\d.]+), db;dur=([\d.]+);desc="(\d+) queries"$/.exec(text) ?? [];
    assert.equal(queries, '2', text);
    for (const part of [auth, db]) assert.ok(Number(part) > 0 && Number(part) <= Number(total), text);
  });

  it('counts what a transaction does, and a failure’s queries', async () => {
    const eve = await api.signUp('eve');
    const { status, headers } = await eve.post('/vote', { post_id: 1, dir: 1 }, asking);
    assert.equal(status, 404);
    assert.match(timingOf(headers) ?? '', /desc="3 queries"/);
  });

  it('is not said to those who do not ask, or who are not signed in', async () => {
    const joan = await api.signUp('joan');
    for (const Prefer of ['', 'server-timings', 'x="server-timings"'])
      assert.equal(timingOf((await joan.get('/posts', { Prefer })).headers), null, Prefer);
    const login = { username: 'joan@example.org', password: 'wrong password' };
    for (const { headers } of [
      await api.anonymous.get('/posts', asking),
      await api.anonymous.post('/login', login, asking),
      await api.anonymous.get('/livez', asking),
    ])
      assert.equal(timingOf(headers), null);
  });
});
