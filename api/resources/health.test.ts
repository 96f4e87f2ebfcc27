import assert from 'node:assert/strict';
import { useApi } from '../testing/api.ts';
import { assertProblem } from '../testing/assert-problem.ts';

describe('GET /livez', () => {
  const api = useApi({ RELEASE: 'v42', DATABASE_URL: 'postgresql:///api?host=/nowhere' });

  it('answers 200 with the release, whatever the database does', async () => {
    const { status, body } = await api.anonymous.get('/livez');
    assert.deepEqual([status, body], [200, { status: 'ok', release: 'v42' }]);
  });
});

describe('GET /readyz', () => {
  const api = useApi();
  const readyz = () => api.anonymous.get('/readyz');
  const assertNotReady = async (check: string) => {
    const body = assertProblem(await readyz(), 503, 'not_ready');
    assert.equal(body.detail, `Not ready: ${check}`);
    assert.equal(body.errors[0].path, check);
  };

  it('answers 200 when the database answers and is migrated', async () => {
    const { status, body } = await readyz();
    assert.deepEqual([status, body], [200, { status: 'ok', release: 'dev' }]);
  });

  it('does not mind a newer schema', async () => {
    await api.db('knex_migrations').insert({ name: '9999_future.ts', batch: 2, migration_time: new Date() });
    assert.equal((await readyz()).status, 200);
  });

  it('names the migrations while one is not applied', async () => {
    const row = await api.db('knex_migrations').where({ name: '0001_users.ts' }).first();
    await api.db('knex_migrations').where({ id: row.id }).delete();
    await assertNotReady('migrations');
    await api.db('knex_migrations').insert(row);
    assert.equal((await readyz()).status, 200);
  });

  it('names the migrations before the first has run', async () => {
    await api.db.schema.renameTable('knex_migrations', 'elsewhere');
    await assertNotReady('migrations');
    await api.db.schema.renameTable('elsewhere', 'knex_migrations');
  });
});

describe('without a database', () => {
  const api = useApi({ DATABASE_URL: 'postgresql:///api?host=/nowhere' });

  it('readyz names it', async () => {
    const body = assertProblem(await api.anonymous.get('/readyz'), 503, 'not_ready');
    assert.equal(body.errors[0].path, 'database');
    assert.ok(!JSON.stringify(body).includes('nowhere'));
  });

  it('requests answer 503 and when to come again', async () => {
    const reply = await api.anonymous.post('/login', { username: 'a@example.org', password: 'x' });
    assertProblem(reply, 503, 'unavailable');
    assert.equal(reply.headers.get('retry-after'), '1');
  });
});

describe('with a database that has no connection left', () => {
  const api = useApi({ DATABASE_POOL_MAX: '1', DATABASE_CONNECT_TIMEOUT_MS: '1000' });

  it('readyz and requests answer 503, and all is well afterwards', async () => {
    await api.db.transaction(async (trx) => {
      await trx.raw('select 1');
      assertProblem(await api.anonymous.get('/readyz'), 503, 'not_ready');
      const reply = await api.anonymous.post('/login', { username: 'a@example.org', password: 'x' });
      assertProblem(reply, 503, 'unavailable');
    });
    assert.equal((await api.anonymous.get('/readyz')).status, 200);
  });
});

describe('with a connection that the database has ended', () => {
  const api = useApi();

  it('goes on with a new one', async () => {
    await api.anonymous.get('/readyz');
    await api.db.raw(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    assert.equal((await api.anonymous.get('/readyz')).status, 200);
  });
});
