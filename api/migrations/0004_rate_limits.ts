import type { Knex } from 'knex';

/** The table that rate-limiter-flexible works on; unlogged, as a crash may forget who was counted. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    create unlogged table rate_limits (
      key varchar(255) primary key,
      points integer not null default 0,
      expire bigint
    );
    create index rate_limits_expire on rate_limits (expire);
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw('drop table rate_limits');
}
