import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readWorkerConfig } from './config.ts';
import { closeDb, createDb, poolOf } from './db.ts';
import { createTestDatabase } from './testing/postgres.ts';

describe('a pool that is closed', function () {
  this.timeout(20_000);

  it('waits for the query under way, and only for that', async () => {
    const { database } = readWorkerConfig({ DATABASE_URL: await createTestDatabase() });
    const db = createDb(database, 'test');
    const taken = once(poolOf(db), 'acquire');
    const answered = db.raw('select 7 as seven, pg_sleep(0.1)').then(({ rows }) => rows[0].seven);
    await taken;
    await closeDb(db);
    assert.equal(await answered, 7);
  });
});
