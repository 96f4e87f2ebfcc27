import knex, { type Knex } from 'knex';
import type { DatabaseConfig } from './config.ts';

/** A pool or a transaction of it: queries take either. */
export type Db = Knex;

/** Knex's settings for one database; also what `knexfile.ts` hands to people. */
export function knexConfig(database: DatabaseConfig, applicationName: string): Knex.Config {
  return {
    client: 'pg',
    connection: {
      connectionString: database.url,
      connectionTimeoutMillis: database.connectTimeoutMs,
      statement_timeout: database.statementTimeoutMs,
      application_name: applicationName,
      keepAlive: true,
    },
    pool: { min: 0, max: database.poolMax },
    acquireConnectionTimeout: database.connectTimeoutMs,
    // Knex prints what it also throws, and not as JSON.
    log: { warn() {}, error() {} },
  };
}

/** Opens the pool; nothing connects before the first query. */
export function createDb(database: DatabaseConfig, applicationName: string): Db {
  return knex(knexConfig(database, applicationName));
}
