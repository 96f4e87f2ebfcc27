import type { Db } from '../db.ts';
import type { Queue } from './queue.ts';
import type { Changes, TaskStatus } from './store.ts';

/** Has a failed or waiting task tried from the start; throws where there is none. */
export async function retryTask(db: Db, queue: Queue, id: number): Promise<string> {
  const { kind } = await changeTask(db, id, 'retried', ['failed', 'pending'], {
    status: 'pending',
    attempts: 0,
    deaths: 0,
    sent_to: null,
    error: null,
    finished_at: null,
    parked_at: null,
    due_at: db.fn.now(),
  });
  await queue.unpark({ id, kind }).catch(() => {});
  return `task ${id} (${kind}) is tried again`;
}

/** Gives up a task that is not done, or no longer shows one that has failed; throws where there is none. */
export async function dropTask(db: Db, queue: Queue, id: number): Promise<string> {
  const { kind } = await changeTask(db, id, 'dropped', ['failed', 'pending', 'running'], {
    status: 'failed',
    error: db.raw(`coalesce(error, 'An operator has dropped it')`),
    finished_at: db.raw('coalesce(finished_at, now())'),
    parked_at: null,
  });
  await queue.unpark({ id, kind }).catch(() => {});
  return `task ${id} (${kind}) is dropped`;
}

async function changeTask(db: Db, id: number, what: string, from: TaskStatus[], changes: Changes) {
  const [task] = await db('tasks')
    .where({ id })
    .whereIn('status', from)
    .update({ ...changes, revision: db.raw('revision + 1') } as never)
    .returning('kind');
  if (task) return task;
  const found = await db('tasks').where({ id }).first('status');
  throw new Error(found ? `task ${id} is ${found.status}: it cannot be ${what}` : `there is no task ${id}`);
}
