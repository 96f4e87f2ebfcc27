import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.raw(`
    create table posts (
      id integer generated always as identity primary key,
      owner_id integer not null references users on delete cascade,
      title text not null,
      content text not null,
      published boolean not null default true,
      votes integer not null default 0,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create index posts_owner on posts (owner_id, id desc);
    create index posts_top on posts (votes desc, id desc);
  `);
  await indexTitles(db);
}

export async function down(db: Knex): Promise<void> {
  await db.raw('drop table posts');
}

/** A substring is found by its trigrams. PostgreSQL's packages ship them; where they lack, searching still works, by scanning. */
async function indexTitles(db: Knex): Promise<void> {
  await db.raw(`
    do $$
    begin
      create extension if not exists pg_trgm;
      create index posts_title on posts using gin (title gin_trgm_ops);
    exception when undefined_file or feature_not_supported or insufficient_privilege then
      raise warning 'searching titles will scan, for lack of pg_trgm: %', sqlerrm;
    end
    $$
  `);
}
