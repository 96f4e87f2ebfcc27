import { Agent, type IncomingMessage, request } from 'node:http';
import { parseArgs } from 'node:util';
import { startScratchApi } from '../audit/scratch-api.ts';

/**
 * Whether the time that a refused sign-in takes tells if the e-mail is known: both in turn over one connection, in an order
 * of chance. Prints the medians and the AUC, which is how often a known one takes longer than an unknown one, ties half:
 * 0.5 tells nothing. Exits 1 outside 0.45 to 0.55. `--samples 1000` of each, `--cost 8` of bcrypt: a low one hides less.
 */
const { values } = parseArgs({
  options: { samples: { type: 'string', default: '1000' }, cost: { type: 'string', default: '8' } },
});
const ACCOUNTS = 50;
const WARM_UP = 20;
const BOUNDS = [0.45, 0.55] as const;

const api = await startScratchApi({ BCRYPT_COST: values.cost });
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
try {
  const emails = (domain: string) => Array.from({ length: ACCOUNTS }, (_, n) => `user${10 + n}@${domain}`);
  const known = emails('known.example.org');
  const unknown = emails('other.example.org');
  for (const email of known) await post('/users', { email, password: 'correct horse' });
  const times = { known: [] as number[], unknown: [] as number[] };
  for (let n = -WARM_UP; n < Number(values.samples); n++) {
    for (const kind of Math.random() < 0.5
      ? (['known', 'unknown'] as const)
      : (['unknown', 'known'] as const)) {
      const username = (kind === 'known' ? known : unknown)[Math.floor(Math.random() * ACCOUNTS)];
      const started = performance.now();
      await post('/login', { username, password: 'wrong horse!!' });
      if (n >= 0) times[kind].push(performance.now() - started);
    }
  }
  const auc = areaUnderCurve(times.known, times.unknown);
  const [low, high] = BOUNDS;
  console.log(`${values.samples} of each, bcrypt's cost ${values.cost}`);
  console.log(`median  known ${median(times.known)} ms, unknown ${median(times.unknown)} ms`);
  console.log(`AUC     ${auc.toFixed(3)} (${low} to ${high} tells nothing)`);
  if (auc < low || auc > high) process.exitCode = 1;
} finally {
  agent.destroy();
  await api.stop();
}

async function post(path: string, body: object): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { 'Content-Type': 'application/json' };
  request(api.url + path, { method: 'POST', agent, headers }, resolve)
    .on('error', reject)
    .end(JSON.stringify(body));
  for await (const _ of await promise);
}

/** Mann and Whitney's U, of all pairs. */
function areaUnderCurve(ones: number[], others: number[]): number {
  let wins = 0;
  for (const one of ones) for (const other of others) wins += one > other ? 1 : one === other ? 0.5 : 0;
  return wins / (ones.length * others.length);
}

function median(times: number[]): string {
  return (times.toSorted((one, other) => one - other)[times.length >> 1] as number).toFixed(2);
}
