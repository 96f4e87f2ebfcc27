import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readConfig } from '../config.ts';
import { closeDb, createDb, type Db } from '../db.ts';
import { JWT_KEYS } from '../testing/api.ts';
import { createTestDatabase } from '../testing/postgres.ts';
import { createWatch, type SeenTask, type Watch } from './watch.ts';

describe('a watch', () => {
  let db: Db;
  let watch: Watch;
  before(async () => {
    const url = await createTestDatabase();
    db = createDb(readConfig({ DATABASE_URL: url, JWT_KEYS }).database, 'test');
  });
  after(() => closeDb(db));
  beforeEach(() => {
    watch = createWatch(db);
  });
  afterEach(() => watch.close());

  async function write(): Promise<number> {
    const [task] = await db('tasks').insert({ kind: 'digest', version: 1, payload: '{}' }).returning('id');
    return task?.id as number;
  }

  /** What is told first. */
  function told(id: number): Promise<SeenTask | null> {
    return new Promise((resolve, reject) =>
      watch.follow(id, { changed: resolve, end: () => reject(new Error('ended')) }),
    );
  }

  it('tells how a task is, and that it is gone', async () => {
    const id = await write();
    assert.equal((await told(id))?.status, 'pending');
    await db('tasks').where({ id }).delete();
    assert.equal(await told(id), null);
  });

  it('tells who comes in the middle of a query by the next one', async () => {
    const [first, second] = [await write(), await write()];
    const asked = once(db, 'query');
    const others = told(first);
    await asked;
    assert.deepEqual([(await told(second))?.id, (await others)?.id], [second, first]);
  });
});
