import assert from 'node:assert/strict';
import type { Knex } from 'knex';
import { readConfig } from './config.ts';
import { createLinks } from './links.ts';
import { PREFIX } from './route.ts';
import { type Account, JWT_KEYS, PASSWORD, useApi } from './testing/api.ts';

const ROWS = 20_000;

/** What a request sends, with the index that its statement goes along where there is a choice. */
type Case = [row: string, index?: RegExp | undefined, body?: object, headers?: Record<string, string>];

describe('with many rows in every table', () => {
  // Filling the tables takes longer than any request may.
  const api = useApi({ DATABASE_STATEMENT_TIMEOUT_MS: '60000' });
  let ada: Account;

  before(async () => {
    ada = await api.signUp('ada');
    await api.db.raw(
      `insert into users (email, username, password_hash)
       select 'u' || n || '@example.org', 'u' || n, 'x' from generate_series(1, :ROWS) n;
       insert into posts (owner_id, title, content, votes)
       select case n % 10 when 0 then :ada else n end, 'title ' || md5(n::text), 'c', n % 1000
         from generate_series(1, :ROWS) n;
       alter table votes disable trigger count_vote;
       insert into votes (post_id, user_id) select n, :ada from generate_series(100, :ROWS) n;
       insert into votes (post_id, user_id) select n, n from generate_series(100, :ROWS) n on conflict do nothing;
       alter table votes enable trigger count_vote;
       insert into sessions (id, user_id, token_version, refresh_digest, expires_at)
       select gen_random_uuid(), n, 1, '', now() from generate_series(1, :ROWS) n;
       insert into rate_limits (key, points, expire) select n, 1, n from generate_series(1, :ROWS) n;
       insert into tasks (owner_id, kind, version, payload, status, revision, result, finished_at)
       select case n % 10 when 1 then :ada else n end, 'export_posts', 1, '{}', 'done', 3,
              '{"format":"csv","rows":1,"bytes":1}', now() from generate_series(1, :ROWS) n;
       insert into exports (task_id, run, part, bytes) select n, 0, 0, 'x' from generate_series(1, :ROWS) n;
       insert into digests (starts_on, days, posts)
       select '2000-01-01'::date + n, 1, '[]' from generate_series(1, :ROWS) n`.replaceAll(
        /:(ROWS|ada)/g,
        (_, name) => String(name === 'ada' ? ada.id : ROWS),
      ),
    );
    await api.db.raw('vacuum analyze');
  });

  const cases: Case[] = [
    ['GET /posts', /posts_pkey/],
    ['GET /posts?limit=100', /posts_pkey/],
    ['GET /posts?sort=top', /posts_top/],
    ['GET /posts?sort=top&after=500.10000', /posts_top/],
    ['GET /posts?after=0.15000', /posts_pkey/],
    ['GET /posts?skip=10000', /posts_pkey/],
    ['GET /posts?search=3f2a9b', /posts_search/],
    ['GET /posts?search=3f2'],
    ['GET /posts?search=3f2a9b&sort=top'],
    ['GET /posts?owner_id=2147483647', /posts_owner/],
    ['GET /posts?owner_id=17&sort=top', /posts_owner/],
    ['GET /posts/1', /posts_pkey/],
    ['POST /posts', undefined, { title: 't', content: 'c' }],
    ['PUT /posts/10', /posts_pkey/, { title: 't', content: 'c' }],
    ['PATCH /posts/10', /posts_pkey/, { title: 't' }, { 'If-Match': '*' }],
    ['DELETE /posts/20', /posts_pkey/],
    ['POST /vote', /votes_pkey|posts_pkey/, { post_id: 1, dir: 1 }],
    ['POST /vote', /votes_pkey/, { post_id: 1, dir: 0 }],
    ['GET /users/me', /users_pkey/],
    ['GET /users/7', /users_pkey/],
    ['PATCH /users/me', /users_pkey/, { username: 'ada2' }],
    ['PATCH /users/me', /users_pkey/, { password: PASSWORD, current_password: 'no' }],
    ['POST /users', undefined, { email: 'eve@example.org', password: PASSWORD }],
    ['POST /login', /users_email_key/, { username: 'ada@example.org', password: PASSWORD }],
    ['POST /token/refresh', /sessions_pkey/, { refresh_token: 'ada’s' }],
    ['POST /logout', /sessions_pkey/, { refresh_token: 'ada’s' }],
    ['POST /tasks', undefined, { kind: 'digest' }],
    ['POST /tasks', /tasks_idempotency/, { kind: 'digest' }, { 'Idempotency-Key': 'k' }],
    ['POST /tasks', /tasks_idempotency/, { kind: 'digest' }, { 'Idempotency-Key': 'k' }],
    ['GET /tasks', /tasks_(owner|pkey)/],
    ['GET /tasks?after=10000', /tasks_(owner|pkey)/],
    ['GET /tasks/1', /tasks_(owner|pkey)/],
    ['GET /tasks/1/events', /tasks_(owner|pkey)/],
    ['GET /exports/1?SIGNED', /exports_pkey/],
    ['GET /digests', /digests_starts_on_days_key(.|\n)*posts_pkey/],
    ['GET /digests?days=1', /digests_starts_on_days_key(.|\n)*posts_pkey/],
    ['DELETE /users/me', /votes_user_id/],
  ];
  for (const [row, index, body, headers] of cases) {
    it(`${row}${body ? ` ${JSON.stringify(body)}` : ''} scans no table`, async () => {
      const [method = '', path = ''] = row.split(' ');
      const plans = await plansOf(() => ada.send(method, signed(path), withToken(body), headers));
      assert.doesNotMatch(
        plans,
        /Seq Scan on (users|posts|votes|sessions|rate_limits|tasks|exports|digests)/,
        plans,
      );
      if (index) assert.match(plans, index);
    });
  }

  it('misses no endpoint', async () => {
    const { body } = await api.anonymous.get('/openapi.json');
    const published = Object.entries<object>(body.paths)
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
      // They ask nothing of these tables.
      .filter((row) => !/(livez|readyz|openapi)/.test(row));
    const asked = cases.map(([row]) => row.replace(/\?.*/, '').replace(/\/\d+/, '/{id}'));
    assert.deepEqual([...new Set(asked)].sort(), published.sort());
  });

  it('sweeps what rate limits have expired along an index', async () => {
    const plan = await api.db.raw('explain delete from rate_limits where expire < 100');
    assert.match(JSON.stringify(plan.rows), /rate_limits_expire/);
  });

  it('has an index for every foreign key, along which deletions cascade', async () => {
    const { rows } = await api.db.raw(`
      select conrelid::regclass as "table", conkey from pg_constraint
       where contype = 'f' and connamespace = 'public'::regnamespace and not exists (
         select from pg_index where indrelid = conrelid and indkey[0] = conkey[1] and indpred is null)`);
    assert.deepEqual(rows, []);
  });

  function withToken(body: object | undefined): object | undefined {
    return body && 'refresh_token' in body ? { refresh_token: ada.tokens.refresh_token } : body;
  }

  /** As the result of a task has it. */
  function signed(path: string): string {
    const [unsigned = ''] = path.split('?SIGNED');
    if (unsigned === path) return path;
    return createLinks(readConfig({ DATABASE_URL: api.databaseUrl, JWT_KEYS }).jwtKeys)
      .sign(PREFIX + unsigned, 60)
      .slice(PREFIX.length);
  }

  /** The plans of all that one request asks of the database, as text: for its values, and for any where that may be taken. */
  async function plansOf(send: () => Promise<{ status: number }>): Promise<string> {
    const queries: (Knex.Sql & { options?: { name?: string } })[] = [];
    const collect = (query: Knex.Sql) => queries.push(query);
    api.db.on('query', collect);
    await send();
    api.db.off('query', collect);
    const explained = queries.filter(({ sql }) => /^(select|insert|update|delete|with)/i.test(sql.trim()));
    assert.ok(explained.length > 0);
    const plans = explained.flatMap(({ sql, bindings, options }) => [
      api.db.raw(`explain ${sql.replaceAll(/\$\d+/g, '?')}`, [...bindings]),
      ...(options?.name ? [api.db.raw(`explain (generic_plan) ${sql}`)] : []),
    ]);
    return (await Promise.all(plans))
      .flatMap(({ rows }) => rows.map((line: Record<string, string>) => line['QUERY PLAN']))
      .join('\n');
  }
});
