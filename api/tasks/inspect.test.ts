import assert from 'node:assert/strict';
import { useApi } from '../testing/api.ts';
import { run } from '../testing/process.ts';
import type { Task } from './store.ts';

describe('the queue, as operators see it,', function () {
  this.timeout(30_000);
  const api = useApi();

  async function ask(...args: string[]) {
    const asked = run('api/queue.ts', { DATABASE_URL: api.databaseUrl, PATH: process.env.PATH ?? '' }, args);
    return asked.exit;
  }
  const list = async () => JSON.parse((await ask('list', '--json')).stdout);

  async function write(more: Partial<Task>): Promise<number> {
    const [task] = await api
      .db('tasks')
      .insert({ kind: 'digest', version: 1, payload: '{}', ...more })
      .returning('id');
    return task?.id as number;
  }
  const read = (id: number) => api.db('tasks').where({ id }).first();

  it('is empty at first', async () => {
    assert.deepEqual(await list(), {
      ...{ queue: 'postgres', connected: true, unsent: 0 },
      ...{ kinds: [], held: [], parked: [], warnings: [] },
    });
  });

  it('shows what waits, runs, is slow, has failed and has no code', async () => {
    const ago = api.db.raw("now() - interval '100 s'") as never;
    await write({ created_at: ago });
    const slow = await write({
      status: 'running',
      attempts: 1,
      changed_at: ago,
      created_at: ago,
      sent_to: 'postgres',
    });
    const failing = await write({ attempts: 2, failure: 'Error: not now\n  at x' });
    await write({ kind: 'gone' });
    await write({ kind: 'export_posts', status: 'running', attempts: 1, sent_to: 'postgres' });
    const parked = await write({ status: 'failed', attempts: 5, failure: 'Error: never', parked_at: ago });
    const seen = await list();
    assert.deepEqual(seen.unsent, 3);
    assert.deepEqual(
      seen.kinds.map(({ oldest_seconds, ...state }: { oldest_seconds: number }) => [
        state,
        oldest_seconds === null ? null : oldest_seconds >= 100,
      ]),
      [
        [{ kind: 'digest', waiting: 2, running: 1, retrying: 1, known: true }, true],
        [{ kind: 'export_posts', waiting: 0, running: 1, retrying: 0, known: true }, null],
        [{ kind: 'gone', waiting: 1, running: 0, retrying: 0, known: false }, false],
      ],
    );
    assert.deepEqual(
      seen.held.map(({ id, status, error }: Task) => [id, status, error]),
      [
        [slow, 'running', null],
        [failing, 'pending', 'Error: not now'],
      ],
    );
    assert.deepEqual(
      seen.parked.map(({ id, error }: Task) => [id, error]),
      [[parked, 'Error: never']],
    );
    assert.match(seen.warnings[0], /no kind gone/);
  });

  it('lets a parked task be tried again, or dropped', async () => {
    const parked: Partial<Task> = {
      ...{ status: 'failed', attempts: 5, deaths: 2, error: 'It failed 5 times' },
      ...{ parked_at: '2026-11-21T00:00:00Z', finished_at: '2026-11-21T00:00:00Z' },
    };
    const again = await write(parked);
    const { code, stdout } = await ask('retry', String(again));
    assert.deepEqual([code, stdout], [0, `task ${again} (digest) is tried again\n`]);
    const task = await read(again);
    assert.deepEqual(
      [task?.status, task?.attempts, task?.deaths, task?.error, task?.parked_at, task?.finished_at],
      ['pending', 0, 0, null, null, null],
    );
    const given = await write(parked);
    assert.equal((await ask('drop', String(given))).code, 0);
    assert.deepEqual([(await read(given))?.status, (await read(given))?.parked_at], ['failed', null]);
    const waiting = await write({});
    assert.equal((await ask('drop', String(waiting))).code, 0);
    assert.equal((await read(waiting))?.error, 'An operator has dropped it');
  });

  const refused: [string, string[], RegExp][] = [
    ['a task that is not there', ['retry', '987654'], /there is no task 987654/],
    ['what is no number', ['drop', 'x'], /usage/],
    ['another word', ['purge', '1'], /usage/],
  ];
  for (const [what, args, message] of refused)
    it(`refuses ${what}`, async () => {
      const { code, stderr } = await ask(...args);
      assert.equal(code, 1);
      assert.match(stderr, message);
    });

  it('refuses to try again what is done', async () => {
    const id = await write({ status: 'done' });
    assert.match((await ask('retry', String(id))).stderr, new RegExp(`task ${id} is done`));
  });
});
