import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { table } from '../table.ts';
import { type Contender, start, stop } from './api/contenders.ts';
import type { Request } from './api/load.ts';
import { requestsOf } from './api/requests.ts';
import { interleave } from './api/rounds.ts';
import type { Size } from './api/seed.ts';
import { onStage } from './api/stage.ts';
import { median, spread } from './api/statistics.ts';

/**
 * How the API's answers slow down as posts become many: the p50 of one client on databases of 1,000, 100,000 and 5,000,000
 * posts, rounds interleaved. Run it as `node scripts/bench/growth.ts`, with the Node of the lock file; it wants Debian's
 * `wrk` and `psql`, 5 GB of disk and some minutes to fill the largest. `--rounds 5`, `--seconds 3`, `--posts 1000,100000`.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    posts: { type: 'string', default: '1000,100000,5000000' },
  },
});
const PAGE = 10;
/** But by the timeout of a statement, of which the answer is 422. */
const UNBOUNDED = '(not bounded)';
const sizes: Size[] = values.posts
  .split(',')
  .map(Number)
  .map((posts) => ({ users: 1_000, posts, votes: posts / 10 }));

await onStage(async ({ directory, prepare }) => {
  const running: (Contender & { size: Size })[] = [];
  try {
    let titles: string[] = [];
    for (const size of sizes) {
      const env = await prepare(size);
      // The first posts are the same in all.
      titles = await firstTitles(env.DATABASE_URL as string);
      const name = `${size.posts} posts`;
      running.push({ ...(await start('api', env, directory)), name, size });
    }
    const rows = [];
    for (const [what, path] of Object.entries(paths(titles))) {
      const options = {
        rounds: Number(values.rounds),
        seconds: Number(values.seconds),
        directory,
        connections: 1,
        slow: what.endsWith(UNBOUNDED),
        refused: what.endsWith(UNBOUNDED) ? 1 : 0,
      };
      const requests = new Map(running.map(({ name, size }) => [name, requestsAt(size, path)]));
      const measured = await interleave(running, (name) => requests.get(name) as Request[], options);
      const medians = [...measured.values()].map((rounds) => rounds.map(({ p50 }) => p50));
      const ratio = Math.max(...medians.map(median)) / Math.min(...medians.map(median));
      rows.push([what, ...medians.map((p50) => spread(p50, 2)), `${ratio.toFixed(2)} ×`]);
    }
    console.log(table(['p50 in ms', ...running.map(({ name }) => name), 'largest / smallest'], rows));
  } finally {
    await Promise.all(running.map(stop));
  }
});

/** What is asked, as the path of the nth request. */
type Path = (n: number, size: Size) => string;

function paths(titles: string[]): Record<string, Path> {
  const search = (length: number) => (n: number) => `search=${encodeURIComponent(partOf(titles, n, length))}`;
  const list =
    (query: Path): Path =>
    (n, size) =>
      `/api/posts?limit=${PAGE}&${query(n, size)}`;
  return {
    'page one': () => `/api/posts?limit=${PAGE}`,
    // A cursor names where the 99th page has ended; its votes count in the other order alone.
    'page 100, by cursor': list((_, { posts }) => `after=0.${posts - 99 * PAGE + 1}`),
    'the most voted for': list(() => 'sort=top'),
    'one post': (n, { posts }) => `/api/posts/${1 + ((n * 7919) % posts)}`,
    'search, 3 characters': list(search(3)),
    'search, 4 to 12 characters': list((n) => search(4 + (n % 9))(n)),
    [`search, 2 characters ${UNBOUNDED}`]: list(search(2)),
    [`skip=900 ${UNBOUNDED}`]: list(() => 'skip=900'),
  };
}

function requestsAt(size: Size, path: Path): Request[] {
  return requestsOf(size, (n) => ({ method: 'GET', path: path(n, size) }), 1_000);
}

/** A part of a title, as people remember one: it may begin and end within a word. */
function partOf(titles: string[], n: number, length: number): string {
  const title = titles[(n * 31) % titles.length] as string;
  const start = (n * 7) % Math.max(1, title.length - length);
  return title.slice(start, start + length);
}

async function firstTitles(databaseUrl: string): Promise<string[]> {
  const client = new Client(databaseUrl);
  await client.connect();
  const { rows } = await client.query('select title from posts order by id limit 1000');
  await client.end();
  return rows.map(({ title }) => title);
}
