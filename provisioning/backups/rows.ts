import { addAbortSignal, type Readable } from 'node:stream';
import type { Host } from '../host.ts';
import { postgresProgram, sessionEnvironment } from './session.ts';

export type Counting = {
  /** The application, whose system user and role count. */
  app: string;
  database: string;
  /** What `pg_export_snapshot()` returned to a session that is open meanwhile. */
  snapshot: string;
  /** Tables by their quoted names. */
  tables: string[];
  /** Ends it; nothing is counted then. */
  signal: AbortSignal | null;
};

/** A function of the application that never ends must not hold up a backup for ever. */
const longestMs = 3_600_000;

/**
 * Counts rows as the application's own system user, never as the administrator: to plan as little as `count(*)` the
 * server calls functions named by an index's predicate or by extended statistics, with the rights of who asks. That
 * user may do anything to this psql, so that what it prints is read as little more than numbers, and only so many.
 *
 * @returns in the tables' order; null: it could not be counted, e.g. since it is another role's
 */
export async function countRows(host: Host, counting: Counting): Promise<(number | null)[]> {
  const { app, database, tables, signal } = counting;
  const argv = [await postgresProgram(host, 'psql'), '-XAtq', '-d', database, '-f', '-'];
  const child = await host.spawn(argv, {
    user: app,
    env: sessionEnvironment,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin?.on('error', () => {}).end(script(counting));
  const limits = [AbortSignal.timeout(longestMs), ...(signal ? [signal] : [])];
  try {
    return parse(
      await readAtMost(child.stdout as Readable, (tables.length + 1) * 64, AbortSignal.any(limits)),
      tables,
    );
  } finally {
    child.kill('SIGKILL');
    child.stdout?.destroy();
  }
}

/** All locks come first, as in pg_dump: later on they would wait behind a migration that waits for the backup. */
function script({ snapshot, tables }: Counting): string {
  const lines = [
    '\\set ON_ERROR_STOP on',
    "SET row_security = off; SET lock_timeout = '60s'; SET idle_in_transaction_session_timeout = 0;",
    `BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '${snapshot}';`,
    '\\set ON_ERROR_STOP off',
    '\\set ON_ERROR_ROLLBACK on',
    ...tables.map((table) => `LOCK TABLE ONLY ${table} IN ACCESS SHARE MODE;`),
    ...tables.map((table, index) => `SELECT ${index}, count(*) FROM ONLY ${table};`),
  ];
  return `${lines.join('\n')}\n`;
}

async function readAtMost(stream: Readable, characters: number, signal: AbortSignal): Promise<string> {
  let text = '';
  try {
    for await (const chunk of addAbortSignal(signal, stream)) {
      text += chunk;
      if (text.length > characters) return '';
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return '';
  }
  return text;
}

function parse(text: string, tables: string[]): (number | null)[] {
  const pairs = text.split('\n').map((line) => line.match(/^(\d{1,10})\|(\d{1,15})$/));
  const counts = new Map(pairs.map((pair) => [Number(pair?.[1]), Number(pair?.[2])]));
  return tables.map((_, index) => counts.get(index) ?? null);
}
