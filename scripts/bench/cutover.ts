import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { commitSourceChange } from './source-change.ts';

/**
 * How long a cutover takes with nothing else to do: deploys of a source-only change, rollbacks to a warm and to a cold
 * release, each from the command's start until the release is live (`live`) and until the command ends (`end`), on a
 * machine that is up (`BERTH_HOST`, else local). Run it as `node scripts/bench/cutover.ts`, with the Node of the lock
 * file, after `./scripts/up`. It ends on the release that it found, as long as that one is still kept.
 */
const root = join(import.meta.dirname, '../..');
const rounds = 5;

type Line = { type: string; text?: string; shown?: string; number?: number };
type Took = { live: number; end: number };

async function berth(words: string[]): Promise<Took & { lines: Line[] }> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(root, 'scripts/berth.ts'), ...words, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: Line[] = [];
  let live = Number.NaN;
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    if (line.type === 'progress' && /^v\d+ is live$/.test(line.text ?? '')) live = performance.now() - began;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0)
    throw new Error(`berth ${words.join(' ')} ended with ${code}: ${JSON.stringify(lines.at(-1))}`);
  return { live, end: performance.now() - began, lines };
}

async function numberOf(state: 'live' | 'kept'): Promise<number | undefined> {
  return (await berth(['releases'])).lines.find(({ shown }) => shown === state)?.number;
}

const found = await numberOf('live');
const took = { deploy: [] as Took[], warm: [] as Took[], cold: [] as Took[] };
for (let round = 0; round < rounds; round += 1) {
  const ref = await commitSourceChange(root, 'bench.txt', `${Date.now()}\n`);
  took.deploy.push(await berth(['deploy', '--ref', ref]));
  took.warm.push(await berth(['rollback']));
  const kept = await numberOf('kept');
  if (kept !== undefined) took.cold.push(await berth(['rollback', `v${kept}`]));
}
const names = { deploy: 'deploy of a source-only change', warm: 'rollback, warm', cold: 'rollback, cold' };
for (const [kind, name] of Object.entries(names) as [keyof typeof took, string][]) {
  for (const point of ['live', 'end'] as const) {
    const seconds = took[kind].map((each) => each[point] / 1000).sort((a, b) => a - b);
    const [least, middle, most] = [seconds[0], seconds[Math.floor(seconds.length / 2)], seconds.at(-1)];
    const range = `${least?.toFixed(2)} to ${most?.toFixed(2)} s, ${seconds.length} runs`;
    console.log(`${name.padEnd(31)} ${point.padEnd(4)}  median ${middle?.toFixed(2)} s  (${range})`);
  }
}
const back = (await berth(['releases'])).lines.find(({ number }) => number === found);
if (back !== undefined && back.shown !== 'live') await berth(['rollback', `v${found}`]);
