import type { Knex } from 'knex';
import type { Db } from '../db.ts';
import { statement } from '../statements.ts';

export type TaskStatus = 'pending' | 'running' | 'done' | 'failed';

/** A row of `tasks`. */
export interface Task {
  id: number;
  owner_id: number | null;
  kind: string;
  version: number;
  payload: unknown;
  idempotency_key: string | null;
  status: TaskStatus;
  /** In percent. */
  progress: number;
  /** Of what its owner sees: grows with each change. */
  revision: number;
  /** How often it was started. */
  run: number;
  /** How often it was tried in earnest: a start that was handed back, or took over from another, does not count. */
  attempts: number;
  /** How often its process is taken to have ended in the middle of it. */
  deaths: number;
  /** The place of the broker that has its number; null: none has been told. */
  sent_to: string | null;
  result: unknown;
  /** For its owner. */
  error: string | null;
  /** For operators: what it failed with last. */
  failure: string | null;
  created_at: string;
  due_at: string;
  started_at: string | null;
  changed_at: string;
  finished_at: string | null;
  parked_at: string | null;
}

declare module 'knex/types/tables.js' {
  interface Tables {
    tasks: Task;
    schedules: { name: string; slot: string };
    exports: { task_id: number; run: number; part: number; bytes: Buffer };
    digests: { id: number; starts_on: string; days: number; posts: unknown; created_at: string };
  }
}

/** A task as it was started. */
export type Started = Pick<Task, 'id' | 'owner_id' | 'payload' | 'version' | 'run' | 'attempts' | 'deaths'>;

/** One start of a task. */
export type Start = Pick<Task, 'id' | 'run'>;

export interface ClaimOptions {
  id: number;
  /** Of the kind, as this release has it. */
  version: number;
  /** The last start that this process has seen to an end; 0: none. */
  survived: number;
  /** Of the broker that has given it. */
  place: string;
}

/**
 * Starts a task that is not over, and takes it from whoever started it before. It has no row where there is nothing to do.
 * One that is running already is taken to have lost its process, but for a start that this process knows to have `survived`.
 * That is no further attempt: where the process lives after all, nothing has failed.
 */
export async function claim(db: Db, options: ClaimOptions): Promise<Started | undefined> {
  const [started] = await claimTask(db, options);
  return started;
}

const claimTask = statement<ClaimOptions, Started>({
  name: 'claim_task',
  build: (db, { id, version, survived, place }) =>
    db.raw(
      `with found as (
         select id, status = 'running' and run <> ? as has_died
           from tasks
          where id = ? and status in ('pending', 'running') and version <= ?
            for update
       )
       update tasks
          set status = 'running', run = run + 1, revision = revision + 1, sent_to = ?,
              attempts = attempts + (not has_died)::integer, deaths = deaths + has_died::integer,
              started_at = coalesce(started_at, now()), changed_at = now()
         from found
        where tasks.id = found.id
       returning tasks.id, owner_id, payload, version, run, attempts, deaths`,
      [survived, id, version, place],
    ),
});

/** Whether the task waits for code of a later version than this. */
export async function isOfLater(db: Db, id: number, version: number): Promise<boolean> {
  const found = await db('tasks')
    .where({ id })
    .where('version', '>', version)
    .whereIn('status', ['pending', 'running'])
    .first('id');
  return found !== undefined;
}

/** Thrown where another start has taken the task over, or it is gone. */
export class Superseded extends Error {
  override name = 'Superseded';
}

/** Changes the task of this start; throws {@link Superseded}. */
export async function change(db: Db, { id, run }: Start, changes: Changes): Promise<void> {
  const changed = await db('tasks')
    .where({ id, run, status: 'running' })
    .update({ ...changes, revision: db.raw('revision + 1'), changed_at: db.fn.now() } as never);
  if (changed === 0) throw new Superseded(`task ${id} is no longer of start ${run}`);
}

export type Changes = { [Key in keyof Task]?: Task[Key] | Knex.Raw | undefined };
