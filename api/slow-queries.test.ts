import assert from 'node:assert/strict';
import { shapeOf } from './slow-queries.ts';
import { useApi } from './testing/api.ts';

/** Makes every read of posts that finds one take this long. */
const delay = (seconds: number) => `
  alter table posts rename to stored_posts;
  create view posts as select stored_posts.* from stored_posts, (select pg_sleep(${seconds})) as pause`;

describe('the log of slow queries', () => {
  const api = useApi({ SLOW_QUERY_MS: '50' });
  const slow = (sql: string) =>
    api.log.filter((line) => line.msg === 'slow query' && String(line.sql).includes(sql));
  const slowPosts = () => slow('from "posts"');

  it('has the request, the statement and the shapes of its parameters, never a value', async () => {
    const ada = await api.signUp('ada');
    await ada.post('/posts', { title: 'a needle', content: 'in hay' });
    await api.db.raw(delay(0.1));
    const { headers } = await ada.get('/posts?search=needle');
    const line = slowPosts().at(-1);
    const { level, request_id, method, route, sql, parameters, duration_ms } = line ?? {};
    assert.deepEqual([level, method, route], [40, 'GET', '/api/posts']);
    assert.equal(request_id, headers.get('x-request-id'));
    assert.match(String(sql), /^select .* from "posts" .*\$\d/);
    assert.ok((parameters as string[]).includes('string(8)'), `${parameters}`);
    assert.ok(Number(duration_ms) >= 100 && Number(duration_ms) < 5000, `${duration_ms}`);
    assert.ok(!JSON.stringify(api.log).includes('needle'));
  });

  it('names a statement that is prepared', async () => {
    const bob = await api.signUp('bob');
    await bob.get('/posts');
    assert.match(String(slowPosts().at(-1)?.statement), /^posts_page\.\d+$/);
  });

  it('has one that failed, too', async () => {
    await api.db
      .transaction(async (trx) => {
        await trx.raw('set local statement_timeout = 80');
        await trx.raw('select pg_sleep(?::int)', [10]).catch(() => {});
      })
      .catch(() => {});
    const [line] = slow('pg_sleep($1');
    const { route, sql, parameters } = line ?? {};
    assert.deepEqual([route, sql, parameters], [undefined, 'select pg_sleep($1::int)', ['number']]);
  });
});

describe('the log of slow queries with a threshold of 0', () => {
  const api = useApi({ SLOW_QUERY_MS: '0' });

  it('is empty', async () => {
    await api.db.raw('select pg_sleep(0.3)');
    assert.equal(api.log.length, 0);
  });
});

describe('the shape of a parameter', () => {
  const shapes: [value: unknown, shape: string][] = [
    ['text', 'string(4)'],
    ['', 'string(0)'],
    [7, 'number'],
    [true, 'boolean'],
    [null, 'null'],
    [undefined, 'null'],
    [new Date(), 'date'],
    [Buffer.alloc(32), 'bytes(32)'],
    [[1, 2, 3], 'array(3)'],
    [{ a: 1 }, 'object'],
  ];
  for (const [value, shape] of shapes) it(`is ${shape}`, () => assert.equal(shapeOf(value), shape));
});
