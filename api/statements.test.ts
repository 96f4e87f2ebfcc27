import assert from 'node:assert/strict';
import { type DatabaseConfig, readConfig } from './config.ts';
import { closeDb, createDb, type Db } from './db.ts';
import { statement } from './statements.ts';
import { createTestDatabase } from './testing/postgres.ts';

interface Fruit {
  id: number;
  name: string;
}

interface Wanted {
  at_least: number;
  name?: string | undefined;
  limit: number;
}

describe('a statement', () => {
  let db: Db;
  let database: DatabaseConfig;
  before(async () => {
    const DATABASE_URL = await createTestDatabase({ empty: true });
    const env = { DATABASE_URL, DATABASE_POOL_MAX: '1', JWT_KEYS: `k:${'k'.repeat(32)}` };
    ({ database } = readConfig(env));
    db = createDb(database, 'test');
    await db.raw(`create table fruit (id integer primary key, name text);
      insert into fruit values (1, 'apple'), (2, 'pear'), (3, 'plum')`);
  });
  after(() => closeDb(db));

  const fruit = () =>
    statement<Wanted, Fruit>({
      name: 'fruit',
      literal: ['limit'],
      planned: 'name',
      build(db, { at_least, name }, { limit }) {
        const query = db('fruit').where('id', '>=', at_least);
        if (name) query.where('name', 'like', name);
        return query.orderBy('id').limit(limit, { skipBinding: true }).select('id', 'name');
      },
    });

  /** What this connection has prepared: a pool of one is the same one. */
  const prepared = async () => (await db.raw('select name, statement from pg_prepared_statements')).rows;

  beforeEach(async () => {
    await closeDb(db);
    db = createDb(database, 'test');
  });

  it('runs with the values of each call', async () => {
    const select = fruit();
    assert.deepEqual(await select(db, { at_least: 3, limit: 5 }), [{ id: 3, name: 'plum' }]);
    assert.deepEqual(await select(db, { at_least: 2, limit: 1 }), [{ id: 2, name: 'pear' }]);
    assert.deepEqual(await select(db, { at_least: 1, name: 'p%', limit: 5 }), [
      { id: 2, name: 'pear' },
      { id: 3, name: 'plum' },
    ]);
  });

  it('is prepared once a connection, with the literal inputs in its text and no other', async () => {
    const select = fruit();
    for (const at_least of [1, 2, 3]) await select(db, { at_least, limit: 2 });
    const [only, ...others] = await prepared();
    assert.deepEqual(others, []);
    assert.match(only.statement, /"id" >= \$1 order by "id" asc limit 2$/);
  });

  it('is planned each time for an input that asks for it', async () => {
    await fruit()(db, { at_least: 1, name: 'p%', limit: 2 });
    assert.deepEqual(await prepared(), []);
  });

  it('keeps the number of its prepared forms within bounds, and runs the others all the same', async () => {
    const select = fruit();
    for (let limit = 1; limit <= 70; limit += 1) {
      assert.equal((await select(db, { at_least: 1, limit })).length, Math.min(limit, 3));
    }
    assert.equal((await prepared()).length, 50);
  });

  it('goes on when a migration has added a column', async () => {
    const select = fruit();
    const before = await select(db, { at_least: 1, limit: 5 });
    await db.raw('alter table fruit add column colour text');
    assert.deepEqual(await select(db, { at_least: 1, limit: 5 }), before);
  });

  it('runs in a transaction, and sees what that has done', async () => {
    const select = fruit();
    const trx = await db.transaction();
    await trx('fruit').insert({ id: 4, name: 'quince' });
    assert.deepEqual(await select(trx, { at_least: 4, limit: 5 }), [{ id: 4, name: 'quince' }]);
    await trx.rollback();
    assert.deepEqual(await select(db, { at_least: 4, limit: 5 }), []);
  });

  it('is told of by Knex’s events, an error too, and gives its connection back', async () => {
    const told: string[] = [];
    db.on('query', ({ sql, bindings }) => told.push(`query ${sql} ${bindings}`));
    db.on('query-response', (rows) => told.push(`response ${rows.length}`));
    db.on('query-error', ({ code }) => told.push(`error ${code}`));
    const select = fruit();
    await select(db, { at_least: 2, limit: 5 });
    await assert.rejects(select(db, { at_least: 'x' as unknown as number, limit: 5 }), { code: '22P02' });
    await select(db, { at_least: 9, limit: 5 });
    const sql = 'query select "id", "name" from "fruit" where "id" >= $1 order by "id" asc limit 5';
    assert.deepEqual(told, [`${sql} 2`, 'response 2', `${sql} x`, 'error 22P02', `${sql} 9`, 'response 0']);
  });
});
