import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import knex, { type Knex } from 'knex';
import type { Client } from 'pg';
import type { MigrationConfig } from './config.ts';
import { type Db, knexConfig } from './db.ts';

/** Knex records a migration by its file name, extension included, so a released file is never renamed. */
export const migrationsConfig: Knex.MigratorConfig = {
  directory: join(import.meta.dirname, 'migrations'),
  loadExtensions: ['.ts'],
  extension: 'ts',
  // Migrations only add, so that an older release runs on a newer schema: it may find some that it does not know.
  disableMigrationsListValidation: true,
};

/** `berth`, in ASCII: one number for whoever migrates this database. */
const LOCK = 0x6265727468;

/**
 * Applies what is not applied yet and returns its names. Whoever migrates the same database at the same time waits for
 * the other, up to `waitMs`. Lock and migrations share one connection: if this process is killed, both end.
 */
export async function migrate(config: MigrationConfig, say: (line: string) => void): Promise<string[]> {
  const db = knex({
    ...knexConfig({ ...config.database, poolMax: 1, statementTimeoutMs: 0 }, 'migrate'),
    pool: { min: 1, max: 1, afterCreate: onNotice(say) },
  });
  try {
    await takeLock(db, config);
    const [, applied] = await db.migrate.latest(migrationsConfig);
    return applied;
  } finally {
    await db.destroy();
  }
}

/** The migrations that this code has and the database lacks. */
export async function pendingMigrations(db: Db): Promise<string[]> {
  const files = await readdir(migrationsConfig.directory as string);
  const applied = new Set(await db('knex_migrations').pluck('name'));
  return files.filter((name) => name.endsWith('.ts') && !applied.has(name));
}

/** A session's advisory lock, which PostgreSQL frees with the connection; Knex's own is a row that a killed process leaves. */
async function takeLock(db: Db, config: MigrationConfig): Promise<void> {
  await db.raw(`set lock_timeout = ${config.waitMs}`);
  await db.raw('select pg_advisory_lock(?)', [LOCK]);
  await db.raw(`set lock_timeout = ${config.lockTimeoutMs}`);
  await db.raw(`set statement_timeout = ${config.statementTimeoutMs}`);
  await db.migrate.forceFreeMigrationsLock(migrationsConfig);
}

/** Lets a migration speak: `raise warning` reaches the person who runs it. */
function onNotice(say: (line: string) => void) {
  return (connection: Client, done: (error: null, connection: unknown) => void) => {
    connection.on('notice', (notice) => {
      if (notice.severity === 'WARNING') say(notice.message ?? '');
    });
    done(null, connection);
  };
}
