import pg from 'pg';

/** Of `timestamptz`: https://www.postgresql.org/docs/current/catalog-pg-type.html */
const TIMESTAMPTZ = pg.types.builtins.TIMESTAMPTZ;

/** What PostgreSQL writes to a session in UTC. */
const UTC = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00$/;

const asDate = pg.types.getTypeParser(TIMESTAMPTZ) as (text: string) => Date;

/** ISO 8601 to the millisecond, as `2026-11-21T09:47:18.608Z`, of the text that PostgreSQL writes. */
export function isoTime(text: string): string {
  const [, day, time, fraction = ''] = UTC.exec(text) ?? [];
  if (!day) return asDate(text).toISOString();
  return `${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
}

/** pg's parsers, but for times: those are only answered, and text made into a Date and back cost a list more than its JSON. */
export const types = {
  getTypeParser: (oid: number, format?: string) =>
    oid === TIMESTAMPTZ ? isoTime : pg.types.getTypeParser(oid, format as 'text' | 'binary'),
};
