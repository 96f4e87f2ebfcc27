import { statfs } from 'node:fs/promises';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import { lockTables } from './inspect.ts';
import { openSession } from './session.ts';

const reserveBytes = 256 * 1024 ** 2;
/** Of each entry in an archive, also of an empty one. */
const headerBytes = 1536;

/**
 * Refuses what would fill a disk.
 *
 * @throws BerthError `disk_short`
 */
export async function requireBytes(directory: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  const needed = bytes + reserveBytes;
  if (free >= needed) return;
  throw new BerthError(
    'disk_short',
    `${what} may need ${mib(needed)} MiB in ${directory}, and ${mib(free)} are free`,
    'free some space, or keep fewer backups (backup.daily, backup.weekly)',
  );
}

/**
 * What a dump takes at most, nearly: the tables as they are on disk; indexes are not dumped, and it is compressed.
 * 0: there is nothing to dump.
 */
export async function tableBytes(host: Host, database: string): Promise<number> {
  const session = await openSession(host, database);
  try {
    // Asking for a table's size waits for its lock, too; this way the one that cannot be had is named.
    await session.ask(`BEGIN; ${lockTables}`);
    const [sum] = await session.ask(
      `SELECT coalesce(sum(pg_table_size(oid)), 0) FROM pg_catalog.pg_class WHERE relkind IN ('r', 'm')
         AND oid >= 16384 OR relname = 'pg_largeobject';`,
    );
    return Number(sum);
  } finally {
    await session.close();
  }
}

/** What an archive of a directory takes, holes of sparse files not counted. Symlinks are not followed. */
export async function directoryBytes(host: Host, path: string): Promise<number> {
  const count = async (...unit: string[]) =>
    Number.parseInt((await host.run(['du', '--summarize', '--one-file-system', ...unit, path])).stdout, 10) ||
    0;
  return (await count('--block-size=1')) + headerBytes * (await count('--inodes'));
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}
