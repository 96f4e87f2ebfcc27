import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';

export interface Size {
  users: number;
  posts: number;
  votes: number;
}

/** What nobody can sign in with: the measured requests bring tokens. */
const NO_PASSWORD = 'x';

/** Of words in a title. */
const PLACES = [0, 1, 2, 3, 4];

const README = join(import.meta.dirname, '../../../README.md');

/**
 * Fills a migrated, empty database with the same rows each time. A vote belongs to a post and a user that no other vote
 * joins; titles are five words, each as frequent as in this repository's README, as trigrams are in no made-up language;
 * contents have some 350 characters.
 */
export async function seed(databaseUrl: string, { users, posts, votes }: Size): Promise<void> {
  const client = new Client(databaseUrl);
  await client.connect();
  // Counted below at once: the trigger would update a post for each vote.
  await client.query('set session_replication_role = replica');
  const indexes = await dropIndexes(client);
  await client.query(
    `insert into users (email, username, password_hash)
     select 'user' || n || '@example.org', 'user' || n, $2 from generate_series(1, $1::int) n`,
    [users, NO_PASSWORD],
  );
  const words = (await readFile(README, 'utf8')).toLowerCase().match(/[a-z]{2,}/g) ?? [];
  await client.query(
    `create temporary table words as
     select number, word from unnest($1::text[]) with ordinality words (word, number)`,
    [words],
  );
  await client.query(
    `insert into posts (owner_id, title, content)
     select 1 + n % $2, title, repeat(left(title, 35), 10)
       from generate_series(1, $1::int) n ${PLACES.map(joinWord).join(' ')},
            concat_ws(' ', ${PLACES.map((place) => `word${place}.word`).join(', ')}) title`,
    [posts, users, words.length],
  );
  await client.query(
    `insert into votes (post_id, user_id)
     select 1 + n % $2, 1 + (n / $2 + n) % $3 from generate_series(0, $1::int - 1) n`,
    [votes, posts, users],
  );
  await client.query(
    `update posts set votes = given.count
       from (select post_id, count(*) from votes group by post_id) given where id = given.post_id`,
  );
  for (const { indexdef } of indexes) await client.query(indexdef);
  await client.query('vacuum (analyze, freeze)');
  await client.end();
}

/** The word at this place of the nth title, of $3 words. */
function joinWord(place: number): string {
  const hash = `abs(hashint4(n * ${PLACES.length} + ${place})::bigint)`;
  return `join words word${place} on word${place}.number = 1 + ${hash} % $3`;
}

/** Filled row by row, those of posts took many times as long as built at once; returns what makes them again. */
async function dropIndexes(client: Client): Promise<{ indexdef: string }[]> {
  const { rows } = await client.query(
    `select indexname, indexdef from pg_indexes where tablename = 'posts' and indexname <> 'posts_pkey'`,
  );
  for (const { indexname } of rows) await client.query(`drop index ${indexname}`);
  return rows;
}
