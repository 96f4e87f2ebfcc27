import type { Knex } from 'knex';

/** An index is built beside those who write. */
export const config = { transaction: false };

/**
 * A part of a title is looked for among the newest posts first: the index knows of each in which 65,536 of ids it is. Like
 * trigrams, what it takes ships with PostgreSQL; where it lacks, the index of trigrams alone stays.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    do $$
    begin
      create extension if not exists btree_gin;
    exception when undefined_file or feature_not_supported or insufficient_privilege then
      raise warning 'searching many titles will be slow, for lack of btree_gin: %', sqlerrm;
    end
    $$
  `);
  const extensions = await db('pg_extension').whereIn('extname', ['btree_gin', 'pg_trgm']).pluck('extname');
  if (extensions.length < 2) return;
  // Left by one that was stopped half way.
  await db.raw('drop index concurrently if exists posts_search');
  await db.raw('create index concurrently posts_search on posts using gin (title gin_trgm_ops, (id >> 16))');
  await db.raw('drop index concurrently if exists posts_title');
}

export async function down(db: Knex): Promise<void> {
  await db.raw('create index concurrently posts_title on posts using gin (title gin_trgm_ops)');
  await db.raw('drop index concurrently if exists posts_search');
}
