import assert from 'node:assert/strict';
import { readMigrationConfig } from './config.ts';
import { closeDb, createDb } from './db.ts';
import { migrate, pendingMigrations } from './migrations.ts';
import { createTestDatabase } from './testing/postgres.ts';
import { run } from './testing/process.ts';

const LOCK = 0x6265727468;

describe('migrate', () => {
  let url: string;
  let db: ReturnType<typeof createDb>;
  const config = (env: Record<string, string> = {}) => readMigrationConfig({ DATABASE_URL: url, ...env });
  const quietly = (env?: Record<string, string>) => migrate(config(env), () => {});

  beforeEach(async () => {
    url = await createTestDatabase({ empty: true });
    db = createDb(config().database, 'test');
  });
  afterEach(() => closeDb(db));

  it('applies all, once', async () => {
    const applied = await quietly();
    assert.equal(applied[0], '0001_users.ts');
    assert.deepEqual(await quietly(), []);
    assert.deepEqual(await pendingMigrations(db), []);
  });

  it('lets two at once wait for each other: one migrates, the other finds nothing to do', async () => {
    const results = await Promise.all([quietly(), quietly(), quietly()]);
    assert.equal(results.filter((applied) => applied.length > 0).length, 1);
    assert.deepEqual(await pendingMigrations(db), []);
  });

  it('gives up on a rival that takes too long', async () => {
    await db.transaction(async (trx) => {
      await trx.raw('select pg_advisory_xact_lock(?)', [LOCK]);
      await assert.rejects(quietly({ MIGRATION_WAIT_MS: '50' }), /lock timeout/);
    });
    await quietly();
  });

  it('gives up on a table that is in use for too long, and can be run again', async () => {
    await db.raw('create table blocker (id int)');
    await db.transaction(async (trx) => {
      // The row that `create table users` needs to add is already being added here.
      await trx.raw('create table users (id int)');
      await assert.rejects(quietly({ MIGRATION_LOCK_TIMEOUT_MS: '50' }), /lock timeout/);
      await trx.raw('drop table users');
    });
    assert.notDeepEqual(await quietly(), []);
  });

  it('works after one that was killed half way', async () => {
    await db.transaction(async (trx) => {
      await trx.raw('create table users (id int)');
      const killed = run('api/migrate.ts', { DATABASE_URL: url, MIGRATION_LOCK_TIMEOUT_MS: '60000' });
      await waitingFor('create table users');
      killed.process.kill('SIGKILL');
      await killed.exit;
      await trx.raw('drop table users');
    });
    assert.notDeepEqual(await quietly(), []);
    assert.deepEqual(await pendingMigrations(db), []);
  });

  it('does not mind the lock that a killed Knex left behind', async () => {
    await quietly();
    await db('knex_migrations_lock').update({ is_locked: 1 });
    await db('knex_migrations').where({ name: '0004_rate_limits.ts' }).delete();
    await db.raw('drop table rate_limits');
    assert.deepEqual(await quietly(), ['0004_rate_limits.ts']);
  });

  it('does not mind a newer schema', async () => {
    await quietly();
    await db('knex_migrations').insert({ name: '9999_future.ts', batch: 2, migration_time: new Date() });
    assert.deepEqual(await quietly(), []);
    assert.deepEqual(await pendingMigrations(db), []);
  });

  it('works for a role that owns its database and nothing else', async () => {
    await db.raw(`create role plain_owner login password 'password'`);
    const { rows } = await db.raw('select current_database() as name');
    await db.raw('alter database ?? owner to plain_owner', [rows[0].name]);
    const warnings: string[] = [];
    url = url.replace('user=postgres', 'user=plain_owner');
    await migrate(config(), (line) => warnings.push(line));
    assert.deepEqual(warnings, []);
    assert.equal((await db('pg_indexes').where({ indexname: 'posts_search' })).length, 1);
  });

  it('works without pg_trgm, and says what that costs', async () => {
    await db.raw(`create role no_owner login password 'password'`);
    await db.raw('grant all on schema public to no_owner');
    const warnings: string[] = [];
    url = url.replace('user=postgres', 'user=no_owner');
    await migrate(config(), (line) => warnings.push(line));
    assert.match(warnings.join(), /searching titles will scan.*permission denied/);
    assert.match(warnings.join(), /searching many titles will be slow.*permission denied/);
    assert.match(warnings.join(), /tasks will wait.*permission denied/);
  });

  /** Until some statement waits for a lock: the database says so. */
  async function waitingFor(statement: string): Promise<void> {
    const waiting = () =>
      db('pg_stat_activity').where({ wait_event_type: 'Lock' }).whereILike('query', `%${statement}%`);
    while ((await waiting()).length === 0);
  }
});

describe('node api/migrate.ts', () => {
  it('says what it applied, and that there is nothing left', async () => {
    const DATABASE_URL = await createTestDatabase({ empty: true });
    const first = await run('api/migrate.ts', { DATABASE_URL }).exit;
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^applied 0001_users\.ts\n/);
    const second = await run('api/migrate.ts', { DATABASE_URL }).exit;
    assert.deepEqual(second, { code: 0, signal: null, stdout: 'nothing to migrate\n', stderr: '' });
  });

  it('exits 1 and says why when it cannot', async () => {
    const unset = await run('api/migrate.ts', {}).exit;
    assert.deepEqual([unset.code, unset.stderr], [1, 'migration failed: "DATABASE_URL" is required\n']);
    const nobody = await run('api/migrate.ts', { DATABASE_URL: 'postgresql:///api?host=/nowhere' }).exit;
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /^migration failed: .*\/nowhere/);
  });
});
