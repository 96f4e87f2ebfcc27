import type { Host } from '../host.ts';
import { type CaptureInto, capture } from './capture.ts';
import { beginSnapshot, type DatabaseRecord, inspect, lockTables } from './inspect.ts';
import { administrator, openSession, postgresProgram, type Session, sessionOptions } from './session.ts';
import type { FileRecord } from './store.ts';

/**
 * Dumps an application's database, which has its name, in pg_dump's custom format, and writes down what it holds, both from one snapshot that a session
 * keeps open meanwhile. Writers go on; only what alters a table waits.
 */
export async function dumpDatabase(
  host: Host,
  database: string,
  into: CaptureInto,
): Promise<{ record: DatabaseRecord; file: FileRecord }> {
  const session = await openSession(host, database);
  try {
    const snapshot = await beginSnapshot(session);
    const [encoding = ''] = await session.ask('SHOW server_encoding;');
    await session.ask(lockTables);
    return await dumpSnapshot(host, session, { database, snapshot, encoding }, into);
  } finally {
    await session.close();
  }
}

async function dumpSnapshot(
  host: Host,
  session: Session,
  { database, snapshot, encoding }: { database: string; snapshot: string; encoding: string },
  into: CaptureInto,
) {
  const failed = new AbortController();
  const argv = [
    await postgresProgram(host, 'pg_dump'),
    // zlib's fastest level: a backup is to be over soon, and restic compresses what leaves the machine.
    ...['--format=custom', '--compress=1', `--snapshot=${snapshot}`, '--lock-wait-timeout=60s'],
    // Said, since the application's client_encoding would be taken, which may lack some of its characters.
    ...[`--encoding=${encoding}`, `--dbname=${database}`],
  ];
  const { signal } = failed;
  const options = { user: administrator, env: { PGOPTIONS: sessionOptions }, signal };
  try {
    const [record, file] = await Promise.all([
      inspect(host, { session, snapshot, app: database, signal }),
      capture(host, argv, into, options),
    ]);
    return { record, file };
  } catch (error) {
    failed.abort();
    throw error;
  }
}

/** Roles and tablespaces; no passwords, since none exists. */
export async function dumpGlobals(host: Host, into: CaptureInto): Promise<FileRecord> {
  const argv = [await postgresProgram(host, 'pg_dumpall'), '--globals-only', '--no-role-passwords'];
  return capture(host, argv, into, { user: administrator });
}
