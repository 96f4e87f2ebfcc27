import assert from 'node:assert/strict';
import type { Knex } from 'knex';
import { type Account, useApi } from './testing/api.ts';

const POSTS = 20_000;

describe('with many posts and votes', () => {
  const api = useApi();
  let ada: Account;

  before(async () => {
    ada = await api.signUp('ada');
    await api.db.raw(
      `insert into posts (owner_id, title, content, votes)
       select ?, 'title ' || md5(n::text), 'c', n % 1000 from generate_series(1, ?) n`,
      [ada.id, POSTS],
    );
    await api.db.raw('insert into votes (post_id, user_id) select id, ? from posts', [ada.id]);
    await api.db.raw('vacuum analyze');
  });

  /** The plans of all that one request asks of the database, as text. */
  async function plansOf(path: string): Promise<string> {
    const queries: Knex.Sql[] = [];
    const collect = (query: Knex.Sql) => queries.push(query);
    api.db.on('query', collect);
    const { status } = await ada.get(path);
    api.db.off('query', collect);
    assert.equal(status, 200);
    const plans = await Promise.all(
      queries.map(({ sql, bindings }) =>
        api.db.raw(`explain ${sql.replaceAll(/\$\d+/g, '?')}`, [...bindings]),
      ),
    );
    return JSON.stringify(plans.map(({ rows }) => rows));
  }

  const walks: [string, string][] = [
    ['/posts', 'posts_pkey'],
    ['/posts?sort=top', 'posts_top'],
    ['/posts?sort=top&after=500.10000', 'posts_top'],
    ['/posts?after=0.15000', 'posts_pkey'],
    ['/posts?skip=10000', 'posts_pkey'],
    ['/posts?search=3f2a9b', 'posts_title'],
    ['/posts?owner_id=2147483647', 'posts_owner'],
    ['/posts/1', 'posts_pkey'],
  ];
  for (const [path, index] of walks) {
    it(`${path} goes along ${index} and scans nothing`, async () => {
      const plans = await plansOf(path);
      assert.match(plans, new RegExp(index));
      assert.doesNotMatch(plans, /Seq Scan on (posts|votes)/, plans);
    });
  }
});
