import { createHash } from 'node:crypto';
import type { Host } from '../host.ts';
import { countRows } from './rows.ts';
import type { Session } from './session.ts';

/** What a database held at one moment, as a restored copy of it has to hold it again. */
export type DatabaseRecord = {
  name: string;
  /** The server's version, e.g. `17.6 (Debian 17.6-0+deb13u1)`. */
  server: string;
  /** Its size on disk, in bytes. */
  bytes: number;
  /** When the snapshot was taken, by the server's clock. */
  takenAt: string;
  /** Rows of every table by its quoted name, and of large objects as `large objects`; null: not counted. */
  rows: Record<string, number | null>;
  /** One line for each table, column, constraint, index, function …, sorted. */
  objects: string[];
  /** SHA-256 of `objects`. */
  fingerprint: string;
  /** How it was created. */
  creation: { encoding: string; collate: string; ctype: string; provider: string; locale: string | null };
  /** Its own settings (`ALTER DATABASE … SET`), as `name=value`. */
  settings: string[];
  /** Those that are not the application's own, and so are not for it to create. */
  extensions: { name: string; schema: string }[];
  /** Roles besides the owner that its objects are granted to. */
  roles: string[];
};

/** Takes the lock that a dump takes, on one table after the other, so that the one which cannot be had is named. */
export const lockTables = `DO $$ DECLARE one text; BEGIN
  FOR one IN SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  LOOP
    BEGIN EXECUTE 'LOCK TABLE ONLY ' || one || ' IN ACCESS SHARE MODE';
    EXCEPTION WHEN lock_not_available THEN RAISE EXCEPTION 'the table % stayed locked by somebody else for 60 s', one;
    END;
  END LOOP;
END $$;`;

// Relations that are neither the system's nor an extension's.
const relations = `SELECT c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
    format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`;

const own = (catalog: string, alias: string) =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
     WHERE d.classid = 'pg_catalog.${catalog}'::regclass AND d.objid = ${alias}.oid AND d.deptype = 'e')`;
const columnsOf = (relation: string, numbers: string) =>
  `ARRAY(SELECT coalesce(a.attname, '(expression)') FROM unnest(${numbers}) WITH ORDINALITY AS k(number, place)
     LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.number ORDER BY place)`;

// Never the text of an expression (a default, a CHECK, a predicate): PostgreSQL prints some of them differently once
// they were dumped and read back, e.g. `varchar IN (…)`.
const objectsQuery = `WITH ours AS (${relations}), lines (line) AS (
  SELECT format('schema %I', n.nspname) FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public') AND ${own('pg_namespace', 'n')}
  UNION ALL SELECT format('extension %I', extname) FROM pg_catalog.pg_extension
  UNION ALL SELECT format('%s%s %s%s%s', CASE relpersistence WHEN 'u' THEN 'unlogged ' ELSE '' END,
      CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
        WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' END, name,
      CASE WHEN relrowsecurity THEN ' with row security' ELSE '' END,
      CASE WHEN relforcerowsecurity THEN ' also for its owner' ELSE '' END)
    FROM ours WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  UNION ALL SELECT format('column %s.%I %s%s%s%s%s', o.name, a.attname, format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attnotnull THEN ' not null' ELSE '' END, CASE WHEN a.atthasdef THEN ' with a default' ELSE '' END,
      CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END,
      CASE WHEN a.attgenerated <> '' THEN ' generated ' || a.attgenerated::text ELSE '' END)
    FROM ours o JOIN pg_catalog.pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE o.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  UNION ALL SELECT format('constraint %s.%I %s (%s)%s%s%s%s', coalesce(o.name, format_type(t.contypid, NULL)),
      t.conname, CASE t.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
        WHEN 'c' THEN 'check' ELSE 'exclude' END,
      array_to_string(${columnsOf('t.conrelid', 't.conkey')}, ', '),
      CASE WHEN t.confrelid <> 0 THEN format(' references %s (%s) %s %s %s', t.confrelid::regclass,
        array_to_string(${columnsOf('t.confrelid', 't.confkey')}, ', '), t.confmatchtype, t.confupdtype, t.confdeltype)
        ELSE '' END,
      CASE WHEN t.condeferrable THEN ' deferrable' ELSE '' END, CASE WHEN t.condeferred THEN ' deferred' ELSE '' END,
      CASE WHEN t.convalidated THEN '' ELSE ' not valid' END)
    FROM pg_catalog.pg_constraint t LEFT JOIN ours o ON o.oid = t.conrelid
    WHERE t.contype IN ('p', 'u', 'f', 'c', 'x') AND (o.oid IS NOT NULL OR (t.conrelid = 0 AND EXISTS (
      SELECT FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace
      WHERE y.oid = t.contypid AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND ${own('pg_type', 'y')})))
  UNION ALL SELECT format('%sindex %I on %s using %s (%s)%s', CASE WHEN i.indisunique THEN 'unique ' ELSE '' END,
      x.relname, o.name, m.amname, array_to_string(${columnsOf('i.indrelid', 'i.indkey::smallint[]')}, ', '),
      CASE WHEN i.indpred IS NULL THEN '' ELSE ' partial' END)
    FROM pg_catalog.pg_index i JOIN ours o ON o.oid = i.indrelid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
      JOIN pg_catalog.pg_am m ON m.oid = x.relam WHERE i.indisvalid
  UNION ALL SELECT format('trigger %I on %s calls %s, enabled %s', t.tgname, o.name, t.tgfoid::regproc, t.tgenabled)
    FROM pg_catalog.pg_trigger t JOIN ours o ON o.oid = t.tgrelid WHERE NOT t.tgisinternal
  UNION ALL SELECT format('function %I.%I(%s) %s', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid),
      md5(coalesce(p.prosrc, '')))
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND ${own('pg_proc', 'p')}
  UNION ALL SELECT format('type %I.%I %s%s', n.nspname, y.typname,
      CASE y.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'range' END,
      CASE y.typtype WHEN 'e' THEN (SELECT format(' (%s)', string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder))
          FROM pg_catalog.pg_enum WHERE enumtypid = y.oid)
        WHEN 'd' THEN format(' of %s', format_type(y.typbasetype, y.typtypmod)) ELSE '' END)
    FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace
    WHERE y.typtype IN ('e', 'd', 'r') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND ${own('pg_type', 'y')}
  UNION ALL SELECT format('policy %I on %s for %s', p.polname, o.name, p.polcmd)
    FROM pg_catalog.pg_policy p JOIN ours o ON o.oid = p.polrelid
  UNION ALL SELECT format('rule %I on %s', r.rulename, o.name)
    FROM pg_catalog.pg_rewrite r JOIN ours o ON o.oid = r.ev_class WHERE r.rulename <> '_RETURN')
SELECT coalesce(json_agg(line ORDER BY line COLLATE "C"), '[]')::text FROM lines;`;

const tablesQuery = `WITH ours AS (${relations})
SELECT coalesce(json_agg(name ORDER BY name), '[]')::text FROM ours WHERE relkind = 'r';`;
const largeObjectsQuery = 'SELECT count(*) FROM pg_catalog.pg_largeobject_metadata;';

const propertiesQuery = `SELECT json_build_object(
  'name', d.datname, 'server', current_setting('server_version'), 'bytes', pg_database_size(d.oid), 'takenAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
  'creation', json_build_object('encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate, 'ctype', d.datctype,
    'provider', d.datlocprovider, 'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')),
  'settings', coalesce((SELECT to_json(setconfig) FROM pg_catalog.pg_db_role_setting WHERE setdatabase = d.oid AND setrole = 0), '[]'),
  'extensions', (SELECT coalesce(json_agg(json_build_object('name', e.extname, 'schema', n.nspname) ORDER BY e.extname), '[]')
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname <> 'plpgsql' AND e.extowner <> d.datdba),
  'roles', (SELECT coalesce(json_agg(DISTINCT r.rolname), '[]') FROM pg_catalog.pg_shdepend s
    JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid
    WHERE s.dbid = d.oid AND s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.deptype = 'a' AND r.oid <> d.datdba))::text
FROM pg_catalog.pg_database d WHERE d.datname = current_database();`;

export type Inspection = {
  /** The administrator's, which reads the system's catalogs alone, and nothing that is the application's. */
  session: Session;
  /** The one that the session exported. */
  snapshot: string;
  /** Whose database it is, and who counts its rows. */
  app: string;
  signal: AbortSignal | null;
};

/** What a snapshot sees. Counting reads every table once. */
export async function inspect(
  host: Host,
  { session, snapshot, app, signal }: Inspection,
): Promise<DatabaseRecord> {
  const read = async (query: string) => JSON.parse((await session.ask(query)).join(''));
  const properties = (await read(propertiesQuery)) as Omit<
    DatabaseRecord,
    'objects' | 'fingerprint' | 'rows'
  >;
  const objects = (await read(objectsQuery)) as string[];
  const tables = (await read(tablesQuery)) as string[];
  const counts = await countRows(host, { app, database: properties.name, snapshot, tables, signal });
  const rows = Object.fromEntries(tables.map((table, index) => [table, counts[index] ?? null]));
  rows['large objects'] = (await read(largeObjectsQuery)) as number;
  return { ...properties, objects, fingerprint: fingerprintOf(objects), rows };
}

/** Begins what `inspect` and pg_dump look at, and returns its name. */
export async function beginSnapshot(session: Session): Promise<string> {
  await session.ask('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;');
  const [snapshot = ''] = await session.ask('SELECT pg_catalog.pg_export_snapshot();');
  return snapshot;
}

/** All rows that were counted. */
export function rowsOf({ rows }: DatabaseRecord): number {
  return Object.values(rows).reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

export function fingerprintOf(objects: string[]): string {
  return createHash('sha256').update(objects.join('\n')).digest('hex');
}

/** What a copy lacks or has besides, a line each; none: it is what was dumped. */
export function differences(dumped: DatabaseRecord, copy: DatabaseRecord): string[] {
  const [before, after] = [new Set(dumped.objects), new Set(copy.objects)];
  const lacks = dumped.objects.filter((line) => !after.has(line));
  const more = copy.objects.filter((line) => !before.has(line));
  const tables = [...new Set([...Object.keys(dumped.rows), ...Object.keys(copy.rows)])];
  // What could not be counted at dump time, e.g. another role's table, is the application's own in a copy.
  const counts = tables.filter(
    (table) => dumped.rows[table] !== null && dumped.rows[table] !== copy.rows[table],
  );
  return [
    ...lacks.map((line) => `lacks ${line}`),
    ...more.map((line) => `has ${line} besides`),
    ...counts.map(
      (table) =>
        `has ${copy.rows[table] ?? (copy.rows[table] === null ? 'uncounted' : 'no')} rows in ${table} instead of ${dumped.rows[table] ?? 'none'}`,
    ),
  ];
}
