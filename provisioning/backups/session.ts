import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';

/** An open session of PostgreSQL's administrator: a snapshot and locks live as long as it does, and end with it. */
export type Session = {
  /** Runs statements and returns what they print, a row a line. */
  ask(sql: string): Promise<string[]>;
  close(): Promise<void>;
};

/** Programs of the server's own version, e.g. `/usr/lib/postgresql/17/bin/pg_dump`. */
export async function postgresProgram(host: Host, name: string): Promise<string> {
  const { postgresql } = await host.facts.platform();
  return `/usr/lib/postgresql/${postgresql}/bin/${name}`;
}

export const administrator = 'postgres';

/** What a client says at connecting goes before what an application has set for its database. */
export const sessionOptions = [
  'search_path=',
  'role=none',
  'standard_conforming_strings=on',
  'backslash_quote=safe_encoding',
  'statement_timeout=0',
  'idle_session_timeout=0',
]
  .map((option) => `-c ${option}`)
  .join(' ');

export const sessionEnvironment = { PGCLIENTENCODING: 'UTF8', PGOPTIONS: sessionOptions };

// Against what an application may have set for its database, and what it may have named like the server's own.
// restrict_nonsystem_relation_kind is what pg_dump sets, where the server knows it: a table that is exchanged for a
// view while we look would run the view's functions as the administrator (CVE-2024-7348).
const guarded = `SET row_security = off;
SET idle_in_transaction_session_timeout = 0;
SET lock_timeout = '60s';
SET client_min_messages = warning;
SELECT pg_catalog.set_config(name, CASE name WHEN 'transaction_timeout' THEN '0' ELSE 'view, foreign-table' END, false)
  FROM pg_catalog.pg_settings WHERE name IN ('transaction_timeout', 'restrict_nonsystem_relation_kind');`;

/** @throws BerthError `postgresql_failed` */
export async function openSession(host: Host, database: string): Promise<Session> {
  const argv = [
    await postgresProgram(host, 'psql'),
    '-XAtq',
    '-v',
    'ON_ERROR_STOP=1',
    '-d',
    database,
    '-f',
    '-',
  ];
  const child = await host.spawn(argv, {
    user: administrator,
    env: sessionEnvironment,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error('psql has no streams');
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  stdin.on('error', () => {});
  const ended = once(child, 'close');
  const rows = createInterface({ input: stdout })[Symbol.asyncIterator]();
  let marks = 0;

  async function ask(sql: string): Promise<string[]> {
    marks += 1;
    const mark = `berth-mark-${marks}`;
    const lines: string[] = [];
    stdin?.write(`${sql}\n\\echo ${mark}\n`);
    for (;;) {
      const { value, done } = await rows.next();
      if (done) break;
      if (value === mark) return lines;
      lines.push(value);
    }
    await ended;
    throw new BerthError(
      'postgresql_failed',
      `PostgreSQL refused a statement in the database ${database}: ${said.trim() || 'its server is away'}`,
      'mend what it says, then run the same command again',
    );
  }

  await ask(guarded);
  return {
    ask,
    async close() {
      stdin.end();
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** A name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL literal, whatever standard_conforming_strings says. */
export function literal(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
