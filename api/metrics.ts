import { AggregatorRegistry, Gauge, Histogram, Registry } from 'prom-client';
import { type Db, poolOf } from './db.ts';

/** One answer, as it is counted. */
export interface Answered {
  method: string;
  /** The route's pattern, as `/api/posts/:id`; undefined where no route has matched. */
  route: string | undefined;
  status: number;
  seconds: number;
}

/** What this process measures, and what the others of its cluster do. */
export interface Metrics {
  registry: Registry;
  count(answered: Answered): void;
  /** The metrics of the other processes, each as its registry's JSON; none unless somebody knows them. */
  others: () => Promise<object[]>;
}

const BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

export function createMetrics(db: Db, release: string): Metrics {
  const registry = new Registry();
  describeBuild(registry, release);
  measurePool(registry, db);
  return { registry, count: countRequests(registry), others: async () => [] };
}

/** Prometheus' text format, of all processes as one. */
export async function wholeText({ registry, others }: Metrics): Promise<string> {
  const [own, told] = await Promise.all([registry.getMetricsAsJSON(), others()]);
  return AggregatorRegistry.aggregate([own, ...told]).metrics();
}

/** What a request costs is one observation: the labels of each kind of answer are put together once. */
function countRequests(registry: Registry): Metrics['count'] {
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the request’s headers to the answer; one that no route has matched is "unmatched".',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  });
  const kinds = new Map<string, Histogram.Internal<string>>();
  return ({ method, route = 'unmatched', status, seconds }) => {
    const key = `${method} ${route} ${status}`;
    let kind = kinds.get(key);
    if (!kind) {
      kind = durations.labels({ method, route, status: String(status) });
      kinds.set(key, kind);
    }
    kind.observe(seconds);
  };
}

function describeBuild(registry: Registry, release: string): void {
  const build = new Gauge({
    name: 'api_build_info',
    help: 'What runs: always 1.',
    labelNames: ['release', 'node'],
    aggregator: 'first',
    registers: [registry],
  });
  build.set({ release, node: process.version }, 1);
}

function measurePool(registry: Registry, db: Db): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `db_pool_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const pool = poolOf(db);
  gauge('size', 'Connections that the pool may have.', () => pool.options.max);
  gauge('used', 'Connections in use.', () => pool.totalCount - pool.idleCount);
  gauge('idle', 'Connections that wait for a query.', () => pool.idleCount);
  gauge('waiting', 'Queries that wait for a connection.', () => pool.waitingCount);
}
