import { setTimeout as wait } from 'node:timers/promises';
import { parseExposition, type Sample } from './exposition.ts';
import { get } from './releases/probe.ts';

/** What an application's own metrics say, of all its processes. */
export type Load = {
  /** Over the last second. */
  requestsPerSecond: number;
  /** How many answers there were since the release started; the next two are of these. */
  answers: number;
  /** The share of answers with a status of 500 and above, 0 to 1; null: there were none. */
  failed: number | null;
  p99Ms: number | null;
  /** Connections to the database. */
  pool: { used: number; size: number } | null;
  /** How late the event loop was on average, over the last second. */
  lagMs: number | null;
};

const betweenMs = 1000;
const timeoutMs = 2000;
const maxLength = 4 * 1024 ** 2;
const requests = 'http_request_duration_seconds';
const lateness = 'nodejs_eventloop_delay_seconds';

/** Reads an application's `/metrics` twice, a second apart; null where it has none of ours. */
export async function measureLoad(socket: string): Promise<Load | null> {
  const before = await scrape(socket);
  if (!before) return null;
  const since = performance.now();
  await wait(betweenMs);
  const now = await scrape(socket);
  return now && loadOf(before, now, (performance.now() - since) / 1000);
}

async function scrape(socket: string): Promise<Sample[] | null> {
  const answer = await get(socket, '/metrics', timeoutMs, maxLength).catch(() => null);
  const samples = answer?.status === 200 ? parseExposition(answer.body) : [];
  return samples.some(({ name }) => name.startsWith(requests)) ? samples : null;
}

export function loadOf(before: Sample[], now: Sample[], seconds: number): Load {
  const answers = sum(now, `${requests}_count`);
  const failures = sum(now, `${requests}_count`, ({ status = '' }) => status >= '500');
  const size = sum(now, 'db_pool_size');
  // Fewer than before: a process has ended meanwhile, and what it had counted with it.
  const grown = (name: string) => Math.max(0, sum(now, name) - sum(before, name));
  const asked = grown(`${lateness}_count`);
  return {
    requestsPerSecond: grown(`${requests}_count`) / seconds,
    answers,
    failed: answers === 0 ? null : failures / answers,
    p99Ms: answers === 0 ? null : quantile(0.99, now) * 1000,
    pool: size === 0 ? null : { used: sum(now, 'db_pool_used'), size },
    lagMs: asked === 0 ? null : (grown(`${lateness}_sum`) / asked) * 1000,
  };
}

function sum(samples: Sample[], of: string, where = (_: Sample['labels']) => true): number {
  return samples
    .filter(({ name, labels }) => name === of && where(labels))
    .reduce((total, { value }) => total + value, 0);
}

/** As Prometheus' `histogram_quantile`: evenly within its bucket, and no more than the last bound. */
function quantile(share: number, samples: Sample[]): number {
  const buckets = Map.groupBy(
    samples.filter(({ name }) => name === `${requests}_bucket`),
    ({ labels }) => Number(labels.le?.replace('+Inf', 'Infinity')),
  );
  const bounds = [...buckets]
    .map(([le, counted]) => ({ le, count: counted.reduce((total, { value }) => total + value, 0) }))
    .sort((one, other) => one.le - other.le);
  const rank = share * (bounds.at(-1)?.count ?? 0);
  const at = bounds.findIndex(({ count }) => count >= rank);
  const { le: from, count: below } = bounds[at - 1] ?? { le: 0, count: 0 };
  const { le: to, count } = bounds[at] ?? { le: from, count: below };
  return to === Number.POSITIVE_INFINITY || count === below
    ? from
    : from + ((rank - below) / (count - below)) * (to - from);
}
