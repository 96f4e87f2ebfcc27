import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Db } from '../db.ts';
import { type Kind, timeoutOf } from './kind.ts';
import type { Queue } from './queue.ts';
import type { Task } from './store.ts';

/** Of rows that one statement changes: each has a time limit, and whoever wants one of its rows waits for it. */
const BATCH = 5_000;

/** Parts of exports are large. */
const PARTS_BATCH = 500;

/** A broker that has nothing of a kind has lost what was to be started so long ago. */
const LOST = `interval '1 minute'`;

/**
 * One that has others of the kind may have lost this one. What waits so long only because there is so much is sent twice, and
 * that no harm is done by it, it is sent the more seldom the longer it waits.
 */
const LATE = `greatest(interval '10 minutes', (now() - due_at) / 2)`;

/** Tasks are forgotten so long after their end, and what is downloaded of them sooner. */
const TASK_DAYS = 30;
const EXPORT_DAYS = 7;

type Rows = Knex.QueryBuilder<Task>;

/** What was sent to another place is sent to this one's; a release that comes to its end may tell that one still. */
export async function takeOver(db: Db, queue: Queue): Promise<void> {
  const told = (rows: Rows) =>
    rows.whereIn('status', ['pending', 'running']).whereNot('sent_to', queue.place);
  await untilFewer(BATCH, () => resend(db, told));
}

/** Has sent again what the broker no longer has. */
export async function findLost(db: Db, queue: Queue, log: Logger, kind: Kind): Promise<void> {
  const { name } = kind;
  // One that runs for twice its time runs nowhere any more.
  const stuck = (rows: Rows) =>
    rows
      .where({ kind: name, status: 'running' })
      .whereNotNull('sent_to')
      .whereRaw(`changed_at < now() - ? * interval '1 ms'`, [2 * timeoutOf(kind)]);
  const late = (than: string) => (rows: Rows) =>
    rows
      .where({ kind: name, status: 'pending' })
      .whereNotNull('sent_to')
      .whereRaw(`greatest(due_at, changed_at) < now() - ${than}`)
      .orderBy('due_at');
  let lost = await untilFewer(BATCH, () => resend(db, stuck));
  if (await queue.isEmpty(name)) lost += await untilFewer(BATCH, () => resend(db, late(LOST)));
  else lost += await resend(db, late(LATE));
  if (lost > 0) log.warn({ kind: name, tasks: lost }, 'tasks that the broker has lost are sent again');
}

/** Forgets what was over long ago. */
export async function forget(db: Db): Promise<void> {
  const over = (days: number) =>
    db('tasks')
      .whereIn('status', ['done', 'failed'])
      .whereNull('parked_at')
      .whereRaw(`finished_at < now() - interval '${days} days'`)
      .select('id');
  const part = ['task_id', 'run', 'part'] as const;
  const parts = () => db('exports').whereIn('task_id', over(EXPORT_DAYS)).select(part).limit(PARTS_BATCH);
  await untilFewer(PARTS_BATCH, () => db('exports').whereIn(part, parts()).delete());
  await untilFewer(BATCH, () => db('tasks').whereIn('id', over(TASK_DAYS).limit(BATCH)).delete());
}

/** Of the rows that `which` picks, those that nobody else is at. They count as changed: the others are next. */
function resend(db: Db, which: (rows: Rows) => Rows): PromiseLike<number> {
  const some = which(db('tasks')).select('id').limit(BATCH).forUpdate().skipLocked();
  return db('tasks').whereIn('id', some).update({ sent_to: null, changed_at: db.fn.now() });
}

/** Returns the sum of what `change` says, which is called until it finds fewer than so many. */
async function untilFewer(batch: number, change: () => PromiseLike<number>): Promise<number> {
  let sum = 0;
  for (let count = batch; count >= batch; sum += count) count = await change();
  return sum;
}
