import type { Db } from './db.ts';

/** A query that has ended, with or without an error. */
export interface Query {
  /** Of a prepared statement. */
  name: string | undefined;
  /** With placeholders. */
  sql: string;
  bindings: readonly unknown[];
  durationMs: number;
}

interface KnexQuery {
  /** Absent from what frames a transaction: Knex does not tell when that ends. */
  __knexQueryUid?: string;
  sql: string;
  bindings?: unknown[];
  /** Of a prepared statement, which says itself when it began. */
  began?: number;
  options?: { name?: string | undefined };
}

/** Tells of each query once it has ended; a wait for a connection is no part of it. */
export function observeQueries(db: Db, observe: (query: Query) => void): void {
  const started = new Map<string, number>();
  const begin = ({ __knexQueryUid: id, began }: KnexQuery) => {
    if (id && began === undefined) started.set(id, performance.now());
  };
  const end = ({ __knexQueryUid: id = '', sql, bindings = [], options, began }: KnexQuery) => {
    const since = began ?? started.get(id);
    if (since === undefined) return;
    if (began === undefined) started.delete(id);
    observe({ name: options?.name, sql, bindings, durationMs: performance.now() - since });
  };
  db.on('query', begin);
  db.on('query-response', (_response: unknown, query: KnexQuery) => end(query));
  db.on('query-error', (_error: unknown, query: KnexQuery) => end(query));
}
