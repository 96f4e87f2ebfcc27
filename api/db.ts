import type { Socket } from 'node:net';
import knex, { type Knex } from 'knex';
import pg, { type Client } from 'pg';
import type { DatabaseConfig } from './config.ts';
import { types } from './times.ts';

/** A pool or a transaction of it: queries take either. */
export type Db = Knex;

/** Knex's settings for one database, with a pool of Knex's: for its own tools, and what `knexfile.ts` hands to people. */
export function knexConfig(database: DatabaseConfig, applicationName: string): Knex.Config {
  return {
    ...dialect,
    connection: {
      ...connectionOf(database, applicationName),
      connectionTimeoutMillis: database.connectTimeoutMs,
    },
    pool: { min: 0, max: database.poolMax, createTimeoutMillis: database.connectTimeoutMs },
    acquireConnectionTimeout: database.connectTimeoutMs,
  };
}

/**
 * Opens a database for many queries at once; nothing connects before the first. The pool is pg's own: beside Knex's it
 * took a fifth off what a request allocates, and most of what lived long enough to be collected dearly.
 */
export function createDb(database: DatabaseConfig, applicationName: string): Db {
  const pool = new pg.Pool({
    ...connectionOf(database, applicationName),
    max: database.poolMax,
    connectionTimeoutMillis: database.connectTimeoutMs,
    idleTimeoutMillis: IDLE_MS,
  });
  pool.on('connect', (client) => {
    hangUpOnSilence(client, database.statementTimeoutMs);
    // A connection that is lost has told its query; an event that nobody hears would end the process.
    client.on('error', () => {});
  });
  pool.on('error', () => {});
  return knex({ ...dialect, connectionPool: pool });
}

/** Ends what {@link createDb} opened, once the queries under way are done: to Knex the pool is somebody else's. */
export async function closeDb(db: Db): Promise<void> {
  // In this order: once destroyed, Knex gives nothing back, and the pool waits for ever for a query that was under way.
  await poolOf(db).end();
  await db.destroy();
}

/** The pool of what {@link createDb} opened. */
export function poolOf(db: Db): pg.Pool {
  return db.client.config.connectionPool;
}

// Knex prints what it also throws, and not as JSON.
const dialect = { client: 'pg', log: { warn() {}, error() {} } };

const IDLE_MS = 30_000;

function connectionOf(database: DatabaseConfig, applicationName: string) {
  return {
    connectionString: database.url,
    statement_timeout: database.statementTimeoutMs,
    application_name: applicationName,
    options: '-c timezone=UTC',
    types,
    keepAlive: true,
  };
}

/** Longer than the statement's own limit: a PostgreSQL that still runs ends the statement itself, and says so. */
const SILENCE_MS = 1_000;

/**
 * `statement_timeout` is PostgreSQL's, and ends nothing once that is frozen or out of reach. Then the connection is given
 * up with the query on it, and the pool opens another.
 */
function hangUpOnSilence(client: Client, statementTimeoutMs: number): void {
  const stream = client.connection.stream as Socket;
  // 0 is no limit, to PostgreSQL and to the socket.
  stream.setTimeout(statementTimeoutMs && statementTimeoutMs + SILENCE_MS, () => {
    // An idle connection is silent by right. The types lack what pg says of itself.
    const { readyForQuery } = client as Client & { readyForQuery: boolean };
    if (!readyForQuery) stream.destroy(new Error('Connection terminated for its silence'));
  });
}
