import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import knex, { type Knex } from 'knex';
import type { Client } from 'pg';
import type { MigrationConfig } from './config.ts';
import { type Db, knexConfig } from './db.ts';
import { KINDS } from './tasks/kinds.ts';
import { installPostgresQueue } from './tasks/queues/postgres.ts';

/** Knex records a migration by its file name, extension included, so a released file is never renamed. */
export const migrationsConfig: Knex.MigratorConfig = {
  directory: join(import.meta.dirname, 'migrations'),
  loadExtensions: ['.ts'],
  extension: 'ts',
  // Migrations only add, so that an older release runs on a newer schema: it may find some that it does not know.
  disableMigrationsListValidation: true,
};

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const INSUFFICIENT_PRIVILEGE = '42501';

/** `berth`, in ASCII: one number for whoever migrates this database. */
const LOCK = 0x6265727468;
const TURN_MS = 100;

/**
 * Applies what is not applied yet and returns its names; the tables of the embedded queue are its library's own. Whoever
 * migrates the same database at the same time waits for the other, up to `waitMs`. Lock and migrations share one
 * connection: if this process is killed, both end.
 */
export async function migrate(config: MigrationConfig, say: (line: string) => void): Promise<string[]> {
  const db = knex({
    ...knexConfig({ ...config.database, poolMax: 1, statementTimeoutMs: 0 }, 'migrate'),
    pool: { min: 1, max: 1, afterCreate: onNotice(say) },
  });
  try {
    await takeLock(db, config);
    const [, applied] = await db.migrate.latest(migrationsConfig);
    await installQueue(config.database.url, say);
    return applied;
  } finally {
    await db.destroy();
  }
}

/** Where the role may not make a schema, somebody else has to, or RabbitMQ is to be used. */
async function installQueue(databaseUrl: string, say: (line: string) => void): Promise<void> {
  try {
    await installPostgresQueue(databaseUrl, [...KINDS.keys()]);
  } catch (error) {
    if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    const reason = (error as Error).message;
    say(
      `tasks will wait, for lack of a schema for the embedded queue: ${reason}; let the role create schemas (grant create on database), or set queue: rabbitmq`,
    );
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
  await awaitTurn(db, config.waitMs);
  await db.raw(`set lock_timeout = ${config.lockTimeoutMs}`);
  await db.raw(`set statement_timeout = ${config.statementTimeoutMs}`);
  await db.migrate.forceFreeMigrationsLock(migrationsConfig);
}

/** Asks anew each time: a statement that waits would be waited for by the other, where it builds an index beside who writes. */
async function awaitTurn(db: Db, limitMs: number): Promise<void> {
  for (const end = performance.now() + limitMs; ; await after(TURN_MS)) {
    const { rows } = await db.raw('select pg_try_advisory_lock(?) as taken', [LOCK]);
    if (rows[0].taken) return;
    if (performance.now() > end) {
      throw new Error(`lock timeout: another migration of this database has not ended within ${limitMs} ms`);
    }
  }
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
