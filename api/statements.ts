import type { Knex } from 'knex';
import type { Client, QueryConfig, QueryResult } from 'pg';
import type { Db } from './db.ts';

/** Runs a compiled query with these values, in a pool or in a transaction. */
export type Statement<Values, Row> = (db: Db, input: Values) => Promise<Row[]>;

/** What stands for the inputs in a query that is being compiled: Knex takes it wherever it takes the value. */
export type Given<Values> = {
  [Key in keyof Values]: (NonNullable<Values[Key]> & Knex.Raw) | Extract<Values[Key], undefined>;
};

export interface StatementOptions<Values extends object> {
  /** Names it to PostgreSQL, to the metrics and to the log of slow queries. */
  name: string;
  /** Inputs that are part of the text, for PostgreSQL to plan by: few values, as each makes a text of its own. */
  literal?: (keyof Values & string)[];
  /** Whether PostgreSQL plans anew for each value of this input, as where one plan does not suit all. */
  planned?: keyof Values & string;
  /** Called once for each combination of inputs that are given; it writes no value into the query. */
  build(db: Db, given: Given<Values>, literal: Values): Pick<Knex.QueryBuilder, 'toSQL'>;
}

interface Compiled {
  /** Under which PostgreSQL keeps its plan. */
  name: string | undefined;
  sql: string;
  /** What to bind, in order: a value, or the input of that key. */
  bindings: unknown[];
}

/** Each takes memory of every connection, and it is clients who choose the forms: further ones are planned each time. */
const MAX_PREPARED_FORMS = 50;

class Input {
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
}

/**
 * A query that Knex compiles once and PostgreSQL parses and plans once a connection. It names its columns, never `*`: a
 * migration that adds one would break what is prepared. Knex's events tell of each run as of any other query, with
 * `options.name`.
 *
 *     const findUser = statement<{ id: number }, User>({
 *       name: 'user',
 *       build: (db, { id }) => db('users').where({ id }).select('id', 'username'),
 *     });
 *     const [user] = await findUser(db, { id: 1 });
 */
export function statement<Values extends object, Row>(
  options: StatementOptions<Values>,
): Statement<Values, Row> {
  const forms = new Map<string, Compiled>();
  let prepared = 0;
  return (db, input) => {
    const form = formOf(input, options.literal);
    let compiled = forms.get(form);
    if (!compiled) {
      compiled = compile(db, input, options);
      if (prepared < MAX_PREPARED_FORMS && !isPlannedAnew(input, options))
        compiled.name = `${options.name}.${prepared++}`;
      forms.set(form, compiled);
    }
    return run(db, compiled, input);
  };
}

/** ` owner_id sort=top`: which inputs are given, and those that are part of the text. */
function formOf(input: object, literal: string[] = []): string {
  let form = '';
  for (const [key, value] of Object.entries(input)) {
    if (value !== undefined) form += literal.includes(key) ? ` ${key}=${value}` : ` ${key}`;
  }
  return form;
}

function compile<Values extends object>(
  db: Db,
  input: Values,
  { build }: StatementOptions<Values>,
): Compiled {
  const given = Object.entries(input)
    .filter(([, value]) => value !== undefined)
    .map(([key]) => [key, db.raw('?', [new Input(key) as unknown as Knex.Value])]);
  const { sql, bindings } = build(db, Object.fromEntries(given) as Given<Values>, input)
    .toSQL()
    .toNative();
  return { name: undefined, sql, bindings: [...bindings] };
}

function isPlannedAnew<Values extends object>(
  input: Values,
  { planned }: Pick<StatementOptions<Values>, 'planned'>,
): boolean {
  return planned !== undefined && input[planned] !== undefined;
}

/** What Knex's own runner does, without compiling: a connection, its query, and the events that tell of it. */
async function run<Row>(db: Db, { name, sql, bindings }: Compiled, input: object): Promise<Row[]> {
  const { client } = db;
  const connection = await client.acquireConnection();
  const values = bindings.map((binding) =>
    binding instanceof Input ? (input as Record<string, unknown>)[binding.key] : binding,
  );
  const query = { sql, bindings: values, options: { name }, began: performance.now() };
  client.emit('query', query);
  try {
    const rows = await ask<Row>(connection, { name, text: sql, values });
    client.emit('query-response', rows, query);
    return rows;
  } catch (error) {
    client.emit('query-error', error, query);
    throw error;
  } finally {
    client.releaseConnection(connection);
  }
}

/** By pg's callback: what its promise leaves behind outlived the request, and was collected dearly. */
function ask<Row>(connection: Client, query: QueryConfig): Promise<Row[]> {
  return new Promise((resolve, reject) =>
    connection.query(query, (error: Error | null, result: QueryResult) =>
      error ? reject(error) : resolve(result.rows as Row[]),
    ),
  );
}
