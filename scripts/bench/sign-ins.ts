import { parseArgs } from 'node:util';
import { start, stop } from './api/contenders.ts';
import { load } from './api/load.ts';
import { readsOf } from './api/requests.ts';
import { onStage } from './api/stage.ts';
import { median, spread } from './api/statistics.ts';

/**
 * Whether sign-ins stall reads: the p99 of `GET /posts/{id}` for four clients, idle and while 16 others sign in as fast as
 * they can, in turn. Run it as `node scripts/bench/sign-ins.ts`, with the Node of the lock file; it wants Debian's `wrk` and
 * `psql`. `--rounds 5`, `--seconds 10`.
 */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '10' } },
});
const size = { users: 1_000, posts: 10_000, votes: 50_000 };
const CLIENTS = 16;
const PASSWORD = 'correct horse';

await onStage(async ({ directory, prepare }) => {
  const noLimit = String(10 ** 6);
  const limits = { LOGIN_LIMIT_ACCOUNT: noLimit, LOGIN_LIMIT_ADDRESS: noLimit };
  const api = await start('api', { ...(await prepare(size)), ...limits }, directory);
  try {
    const email = 'ada@example.org';
    await post('/users', { email, password: PASSWORD });
    const reads = readsOf(size)['GET /posts/{id}'] ?? [];
    const read = (seconds: number) => load(api.origin, reads, { seconds, directory, connections: 4 });
    const seconds = Number(values.seconds);
    await read(3 * seconds);
    const idle: number[] = [];
    const busy: number[] = [];
    let signedIn = 0;
    for (let round = 0; round < Number(values.rounds); round += 1) {
      idle.push((await read(seconds)).p99);
      const end = new AbortController();
      const clients = Array.from({ length: CLIENTS }, () => signInUntil(end.signal, email));
      busy.push((await read(seconds)).p99);
      end.abort();
      signedIn += (await Promise.all(clients)).reduce((sum, times) => sum + times, 0);
    }
    console.log(`p99 of GET /posts/{id}, idle: ${spread(idle, 2)} ms`);
    console.log(`with ${CLIENTS} clients that sign in: ${spread(busy, 2)} ms, ${signedIn} sign-ins`);
    console.log(`${(median(busy) / median(idle)).toFixed(2)} ×`);
  } finally {
    await stop(api);
  }

  async function signInUntil(end: AbortSignal, email: string): Promise<number> {
    let times = 0;
    for (; !end.aborted; times += 1) await post('/login', { username: email, password: PASSWORD });
    return times;
  }

  async function post(path: string, body: object): Promise<void> {
    const headers = { 'Content-Type': 'application/json' };
    const reply = await fetch(`${api.origin}/api${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
    await reply.text();
  }
});
