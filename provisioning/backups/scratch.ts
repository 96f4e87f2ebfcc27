import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { Settings } from '../settings.ts';
import { feed } from './capture.ts';
import { beginSnapshot, type DatabaseRecord, differences, inspect } from './inspect.ts';
import { requireBytes } from './room.ts';
import { identifier, literal, openSession, postgresProgram, type Session } from './session.ts';

export type Purpose = 'restore' | 'drill' | 'before';

/** The name of a database beside an application's, e.g. `api_restore_20261121113000`. */
export function besideName(app: string, purpose: Purpose): string {
  return `${app}_${purpose}_${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}`;
}

export type RestoreDatabase = {
  /** The application, whose role owns the copy. */
  app: string;
  record: DatabaseRecord;
  dump: string;
  into: string;
  say: (text: string) => void;
};

export type RestoreTimes = { restore: number; check: number };

/**
 * Restores a dump into a new database and compares it with what was written down at dump time: schema, constraints,
 * indexes, and the rows of every table.
 *
 * It is read back by the application's own role, as its own system user: a dump brings along code of the application
 * (a function in a CHECK, say) that would run with the rights of whoever restores it.
 *
 * @throws BerthError `disk_short`, `restore_roles_missing`, `restore_differs`; the database is gone again then
 */
export async function restoreDatabase(host: Host, options: RestoreDatabase): Promise<RestoreTimes> {
  const { record, dump, into, say } = options;
  await requireBytes('/var/lib/postgresql', record.bytes * 1.2, 'the restored database');
  await asAdministrator(host, 'postgres', (session) => create(session, options));
  try {
    await asAdministrator(host, into, (session) => prepare(session, options));
    say(`restores ${dump.split('/').at(-1)} into ${into}`);
    const began = performance.now();
    await readBack(host, options);
    await asAdministrator(host, into, (session) => applySettings(session, into, record.settings));
    const restored = performance.now();
    say(`compares ${into} with what was dumped`);
    await compare(host, options);
    return { restore: seconds(restored - began), check: seconds(performance.now() - restored) };
  } catch (error) {
    await dropDatabase(host, into);
    throw error;
  }
}

async function create(session: Session, { record, into }: RestoreDatabase): Promise<void> {
  const wanted = record.roles.map(literal).join(', ');
  const missing = wanted
    ? await session.ask(
        `SELECT name FROM unnest(ARRAY[${wanted}]) AS name WHERE name NOT IN (SELECT rolname FROM pg_catalog.pg_roles);`,
      )
    : [];
  if (missing.length > 0) {
    throw new BerthError(
      'restore_roles_missing',
      `the dump grants rights to roles that this machine lacks: ${missing.join(', ')}`,
      'create them as globals.sql of the backup says, then run the same command again',
    );
  }
  const { encoding, collate, ctype, provider, locale } = record.creation;
  const localeOf: Record<string, string> = {
    i: `LOCALE_PROVIDER icu ICU_LOCALE ${literal(locale ?? '')}`,
    b: `LOCALE_PROVIDER builtin BUILTIN_LOCALE ${literal(locale ?? '')}`,
  };
  await session.ask(`CREATE DATABASE ${identifier(into)} TEMPLATE template0 CONNECTION LIMIT 0
    ENCODING ${literal(encoding)} LC_COLLATE ${literal(collate)} LC_CTYPE ${literal(ctype)} ${localeOf[provider] ?? ''};`);
  await session.ask(`REVOKE ALL ON DATABASE ${identifier(into)} FROM PUBLIC;`);
}

/**
 * Extensions that the application could not create itself, whose scripts run as the administrator: only then does the
 * database become the application's, which could plant functions for them to call.
 */
async function prepare(session: Session, { record, app, into }: RestoreDatabase): Promise<void> {
  for (const { name, schema } of record.extensions) {
    const where = identifier(schema);
    if (!['public', 'pg_catalog'].includes(schema)) {
      await session.ask(`CREATE SCHEMA IF NOT EXISTS ${where} AUTHORIZATION ${identifier(app)};`);
    }
    await session.ask(`CREATE EXTENSION ${identifier(name)} WITH SCHEMA ${where} CASCADE;`);
  }
  const database = `ALTER DATABASE ${identifier(into)}`;
  await session.ask(`${database} OWNER TO ${identifier(app)}; ${database} CONNECTION LIMIT -1;`);
}

async function readBack(host: Host, { app, record, dump, into }: RestoreDatabase): Promise<void> {
  const program = await postgresProgram(host, 'pg_restore');
  const list = `/run/berth/${into}.list`;
  const made = record.extensions.length > 0;
  if (made) {
    const content = withoutExtensions(await host.must([program, '--list', dump]), record.extensions);
    await host.write(list, content, { mode: 0o640, owner: 'root', group: app });
  }
  const argv = [
    ...[program, '--exit-on-error', '--no-owner', '--no-subscriptions', `--dbname=${into}`],
    ...(made ? [`--use-list=${list}`] : []),
  ];
  try {
    await feed(host, argv, dump, { user: app });
  } finally {
    if (made) await host.remove(list);
  }
}

/** A dump's table of contents without what `prepare` has made. */
export function withoutExtensions(list: string, extensions: DatabaseRecord['extensions']): string {
  const made = extensions.flatMap(({ name, schema }) => [
    `EXTENSION - ${name} `,
    `COMMENT - EXTENSION ${name} `,
    `SCHEMA - ${schema} `,
  ]);
  return list
    .split('\n')
    .filter((line) => {
      const entry = line.match(/^\d+; \d+ \d+ (.*)$/)?.[1];
      return entry === undefined || !made.some((start) => `${entry} `.startsWith(start));
    })
    .join('\n');
}

/**
 * `SET … FROM CURRENT` takes a list such as search_path as it is kept, without quoting it anew. Each ends with its own
 * transaction: another client_encoding would make other bytes the end of the next literal.
 */
async function applySettings(session: Session, database: string, settings: string[]): Promise<void> {
  for (const setting of settings) {
    const [, name = '', value = ''] = setting.match(/^([^=]+)=(.*)$/s) ?? [];
    await session.ask(`BEGIN; SELECT pg_catalog.set_config(${literal(name)}, ${literal(value)}, true);
      ALTER DATABASE ${identifier(database)} SET ${name.split('.').map(identifier).join('.')} FROM CURRENT; COMMIT;`);
  }
}

async function compare(host: Host, { app, record, into }: RestoreDatabase): Promise<void> {
  const copy = await asAdministrator(host, into, async (session) =>
    inspect(host, { session, snapshot: await beginSnapshot(session), app, signal: null }),
  );
  const found = differences(record, copy);
  if (found.length === 0) return;
  throw new BerthError(
    'restore_differs',
    `the restored copy is not what was dumped: it ${found.slice(0, 10).join('; it ')}${found.length > 10 ? ' …' : ''}`,
    'nothing was changed; take another backup (berth backup list), and report this as a defect of Berth',
  );
}

export async function dropDatabase(host: Host, name: string): Promise<void> {
  await asAdministrator(host, 'postgres', (session) =>
    session.ask(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE);`),
  );
}

/** Drops the databases that a killed restore or drill left; those from before a restore stay. Only under the lock. */
export async function dropScratch(host: Host, settings: Settings): Promise<void> {
  const apps = localApps(settings);
  if (apps.length === 0) return;
  for (const { name } of await besideDatabases(host, apps)) {
    if (/_(restore|drill)_\d{14}$/.test(name)) await dropDatabase(host, name);
  }
}

/** The databases that restores and drills made beside those of the applications, with their size in bytes. */
export async function besideDatabases(
  host: Host,
  apps: string[],
): Promise<{ name: string; bytes: number }[]> {
  const pattern = `^(${apps.join('|')})_(restore|drill|before)_[0-9]{14}$`;
  const lines = await asAdministrator(host, 'postgres', (session) =>
    session.ask(`SELECT json_build_object('name', datname, 'bytes', pg_database_size(oid))::text
      FROM pg_catalog.pg_database WHERE datname ~ ${literal(pattern)} ORDER BY datname;`),
  );
  return lines.map((line) => JSON.parse(line) as { name: string; bytes: number });
}

export function localApps({ apps }: Settings): string[] {
  return Object.values(apps)
    .filter(({ database }) => database === 'local')
    .map(({ name }) => name);
}

export async function asAdministrator<T>(
  host: Host,
  database: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(host, database);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
