import { table } from '../../table.ts';
import type { Measured } from './rounds.ts';
import { median, spread } from './statistics.ts';

const HEADINGS = ['', 'requests/s', 'p50 ms', 'p99 ms', 'own CPU µs'];

/** Medians with both ends, and beside them the medians of each round's ratio to the same round of `base`. */
export function reportText(what: string, measured: Map<string, Measured[]>, base: string): string {
  const based = measured.get(base) ?? [];
  const rows = [...measured].map(([name, rounds]) => [
    name,
    spread(rounds.map(rate), 0),
    spread(
      rounds.map(({ p50 }) => p50),
      2,
    ),
    spread(
      rounds.map(({ p99 }) => p99),
      2,
    ),
    spread(
      rounds.map(({ cpu, requests }) => (1e6 * cpu) / requests),
      0,
    ),
    `${median(rounds.map((round, n) => rate(round) / rate(based[n] as Measured))).toFixed(2)} ×`,
    `${median(rounds.map((round, n) => round.p99 / (based[n] as Measured).p99)).toFixed(2)} ×`,
  ]);
  return `\n${what}\n${table([...HEADINGS, `rate of ${base}`, `p99 of ${base}`], rows)}`;
}

function rate({ requests, seconds }: Measured): number {
  return requests / seconds;
}
