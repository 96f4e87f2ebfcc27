/** What a load has seen so far. */
export type Tally = {
  requests: number;
  /** No answer, another status than expected, or an answer that does not agree with what was asked. */
  failures: Failure[];
  /** Every answer of a quick request: when it came, how long it took. */
  latencies: { at: number; ms: number }[];
  /** When each release first and last answered a quick request. */
  releases: Map<string, { first: number; last: number }>;
  /** Answers to slow requests and uploads, event streams that were followed, those that the server ended, events. */
  long: { slow: number; uploads: number; streams: number; ended: number; events: number };
};

export type Failure = {
  at: number;
  what: string;
  /** Its client opens a connection for each request. */
  fresh?: boolean;
};

export function newTally(): Tally {
  const long = { slow: 0, uploads: 0, streams: 0, ended: 0, events: 0 };
  return { requests: 0, failures: [], latencies: [], releases: new Map(), long };
}

/** The 99th percentile of milliseconds. */
export function p99(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN;
}

/** The latencies of the answers that came in a span of time. */
export function latenciesIn({ latencies }: Tally, from: number, to: number): number[] {
  return latencies.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms);
}
