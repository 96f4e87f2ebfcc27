import type { Knex } from 'knex';

/**
 * The row is the task: a broker holds only its number, so that none can be lost with a broker, and twice the number is
 * no second task. `run` grows with each start, and only the newest one may finish; `sent_to` is the broker that was told.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    create table tasks (
      id integer generated always as identity primary key,
      owner_id integer references users on delete cascade,
      kind text not null,
      version smallint not null,
      payload jsonb not null,
      idempotency_key text,
      status text not null default 'pending' check (status in ('pending', 'running', 'done', 'failed')),
      progress smallint not null default 0,
      revision integer not null default 1,
      run integer not null default 0,
      attempts smallint not null default 0,
      deaths smallint not null default 0,
      sent_to text,
      result jsonb,
      error text,
      failure text,
      created_at timestamptz not null default now(),
      due_at timestamptz not null default now(),
      started_at timestamptz,
      changed_at timestamptz not null default now(),
      finished_at timestamptz,
      parked_at timestamptz
    );
    create unique index tasks_idempotency on tasks (owner_id, idempotency_key) where idempotency_key is not null;
    create index tasks_owner on tasks (owner_id, id desc);
    create index tasks_owner_unfinished on tasks (owner_id) where status in ('pending', 'running');
    create index tasks_unfinished on tasks (kind, status, due_at) where status in ('pending', 'running');
    create index tasks_unsent on tasks (id) where sent_to is null and status in ('pending', 'running');
    create index tasks_parked on tasks (id) where parked_at is not null;
    create index tasks_finished on tasks (finished_at) where parked_at is null and status in ('done', 'failed');

    create table schedules (
      name text primary key,
      slot timestamptz not null
    );

    create table exports (
      task_id integer not null references tasks on delete cascade,
      run integer not null,
      part integer not null,
      bytes bytea not null,
      primary key (task_id, run, part)
    );

    create table digests (
      id integer generated always as identity primary key,
      starts_on date not null,
      days smallint not null,
      posts jsonb not null,
      created_at timestamptz not null default now(),
      unique (starts_on, days)
    );
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw('drop table digests, exports, schedules, tasks');
}
