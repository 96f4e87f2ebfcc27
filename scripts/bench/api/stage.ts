import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDevPostgres } from '../../dev-postgres.ts';
import { runChecked } from '../../process.ts';
import { JWT_KEY } from './requests.ts';
import { type Size, seed } from './seed.ts';

/** A PostgreSQL of its own and a directory to write in, for as long as something is measured. */
export interface Stage {
  directory: string;
  /** Makes a database with these rows and returns what a server needs to know of it. */
  prepare(size: Size): Promise<Record<string, string>>;
}

const MIGRATE = join(import.meta.dirname, '../../../api/migrate.ts');

export async function onStage(measure: (stage: Stage) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'));
  // As root, PostgreSQL runs as another user, who must get to what is his.
  await chmod(directory, 0o711);
  const postgres = await startDevPostgres(join(directory, 'postgres'), {
    shared_buffers: '512MB',
    maintenance_work_mem: '512MB',
    max_wal_size: '8GB',
    synchronous_commit: 'on',
  });
  const prepare = async (size: Size) => {
    const name = `posts_${size.posts}`;
    await runChecked(['psql', '-q', ...['-d', postgres.url], '-c', `create database ${name}`]);
    const url = postgres.url.replace('/postgres?', `/${name}?`);
    const env = { ...environment(url), PATH: process.env.PATH ?? '' };
    await runChecked([process.execPath, MIGRATE], { env });
    await seed(url, size);
    return env;
  };
  try {
    await measure({ directory, prepare });
  } finally {
    await postgres.stop();
    await rm(directory, { recursive: true });
  }
}

function environment(databaseUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    // As SQLAlchemy has it.
    SQLALCHEMY_URL: databaseUrl
      .replace('postgresql:///', 'postgresql+asyncpg://postgres@/')
      .replace('&user=postgres', ''),
    JWT_KEYS: `${JWT_KEY.kid}:${JWT_KEY.secret}`,
    RELEASE: 'bench',
  };
}
