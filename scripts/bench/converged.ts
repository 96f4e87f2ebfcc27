import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * How long the command line takes where there is nothing to do: `--help`, then `plan` and `apply` on a machine that
 * is up (`BERTH_HOST`, else local), SSH handshake included. Run it as `node scripts/bench/converged.ts`, with the Node of the lock file, after `./scripts/up`.
 */
const root = join(import.meta.dirname, '../..');
const runs: [name: string, words: string[], rounds: number][] = [
  ['berth.ts --help', ['--help'], 15],
  ['plan', ['plan'], 5],
  ['apply', ['apply'], 5],
];

for (const [name, words, rounds] of runs) {
  const seconds = Array.from({ length: rounds }, () => timeOf(words)).sort((a, b) => a - b);
  const [least, middle, most] = [seconds[0], seconds[Math.floor(rounds / 2)], seconds.at(-1)];
  console.log(`${name.padEnd(16)} median ${show(middle)}  (${show(least)} to ${show(most)}, ${rounds} runs)`);
}

function timeOf(words: string[]): number {
  const began = performance.now();
  execFileSync(process.execPath, [join(root, 'scripts/berth.ts'), ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return performance.now() - began;
}

function show(ms = Number.NaN): string {
  return `${ms.toFixed(0)} ms`;
}
