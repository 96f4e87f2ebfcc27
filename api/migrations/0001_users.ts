import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.raw(`
    create table users (
      id integer generated always as identity primary key,
      email text not null,
      username text not null,
      password_hash text not null,
      token_version integer not null default 1,
      created_at timestamptz not null default now()
    );
    create unique index users_email_key on users (lower(email));
    create unique index users_username_key on users (lower(username));

    create table sessions (
      id uuid primary key,
      user_id integer not null references users on delete cascade,
      token_version integer not null,
      refresh_digest bytea not null,
      expires_at timestamptz not null
    );
    create index sessions_user_id on sessions (user_id);
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw('drop table sessions; drop table users');
}
