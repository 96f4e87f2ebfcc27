import assert from 'node:assert/strict';
import { pino } from 'pino';
import { useApi } from '../testing/api.ts';
import type { Kind } from './kind.ts';
import { KINDS } from './kinds.ts';
import { findLost, forget, takeOver } from './reconcile.ts';
import type { Task } from './store.ts';

describe('what the broker should have', function () {
  this.timeout(30_000);
  const api = useApi();
  const log = pino({ level: 'silent' });
  const kind = KINDS.get('digest') as Kind;
  afterEach(() => api.db('tasks').delete());

  const ago = (minutes: number) => api.db.raw(`now() - interval '${minutes} minutes'`) as never;
  async function write(more: Partial<Task> = {}): Promise<number> {
    const row = { kind: kind.name, version: 1, payload: '{}', sent_to: api.queue.place };
    const [task] = await api
      .db('tasks')
      .insert({ ...row, ...more })
      .returning('id');
    return task?.id as number;
  }
  const late = (due: number, changed = due) => write({ due_at: ago(due), changed_at: ago(changed) });
  const unsent = () => api.db('tasks').whereNull('sent_to').orderBy('id').pluck('id');

  it('is sent again where it has nothing of the kind', async () => {
    const lost = await late(2);
    await late(0.5);
    await findLost(api.db, api.queue, log, kind);
    assert.deepEqual(await unsent(), [lost]);
  });

  it('is sent again where it runs for longer than it may', async () => {
    const stuck = await write({ status: 'running', changed_at: ago(21) });
    await write({ status: 'running', changed_at: ago(19) });
    await findLost(api.db, api.queue, log, kind);
    assert.deepEqual(await unsent(), [stuck]);
  });

  describe('while others of the kind wait', () => {
    before(() => api.queue.send([{ id: 1_000_000, kind: kind.name }]));

    it('is sent again where it is late, and then less and less often', async () => {
      const lost = await late(11);
      for (const [due, changed] of [[9], [60, 29], [60, 9]] as [number, number?][]) await late(due, changed);
      await findLost(api.db, api.queue, log, kind);
      assert.deepEqual(await unsent(), [lost]);
      await api.db('tasks').update({ sent_to: api.queue.place });
      await findLost(api.db, api.queue, log, kind);
      assert.deepEqual(await unsent(), []);
    });
  });

  it('is all that another one had, however much', async () => {
    await api.db.raw(
      `insert into tasks (kind, version, payload, sent_to)
       select 'digest', 1, '{}', case when n % 2 = 0 then 'rabbitmq' else 'queue_1' end from generate_series(1, 12000) as n`,
    );
    const own = await write();
    await takeOver(api.db, api.queue);
    assert.equal((await unsent()).length, 12_000);
    assert.deepEqual(await api.db('tasks').whereNotNull('sent_to').pluck('id'), [own]);
  });

  it('is forgotten after a month, and a download after a week', async () => {
    const ended = (days: number, more: Partial<Task> = {}) =>
      write({ status: 'done', finished_at: ago(days * 1440), ...more });
    const [week, parked] = [await ended(8), await ended(31, { status: 'failed', parked_at: ago(0) })];
    await ended(31);
    for (const task_id of [week, parked])
      await api.db('exports').insert({ task_id, run: 1, part: 0, bytes: Buffer.from('x') });
    await forget(api.db);
    assert.deepEqual(await api.db('tasks').orderBy('id').pluck('id'), [week, parked]);
    assert.deepEqual(await api.db('exports').pluck('task_id'), [parked]);
  });
});
