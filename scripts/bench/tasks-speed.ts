import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { submitTasks } from '../../test/e2e/task-clients.ts';
import { type QueueName, startTaskTrial, type TaskTrial } from '../../test/e2e/task-trial.ts';
import { table } from '../table.ts';
import { median, spread } from './api/statistics.ts';
import type { BareLoad, BareRound } from './tasks/bare.ts';
import { allOver } from './tasks/outcomes.ts';

/**
 * How fast an empty task is done that was submitted through nginx, beside pg-boss and amqplib by themselves
 * (`tasks/bare.ts`: no HTTP, no rows) on the same PostgreSQL and RabbitMQ of the same machine, rounds in turn: tasks a second
 * of 16 clients that submit as fast as they can, and, at 50 a second, the time from a request to the end of its task. That
 * end is the row's own time, for which nobody has to ask meanwhile. Run it as `node scripts/bench/tasks-speed.ts`, as root,
 * with the Node of the lock file. `--queue rabbitmq,postgres`, `--rounds 5`, `--tasks 3000`, `--clients 16`,
 * `--per-second 50`, `--seconds 10`.
 */
const { values } = parseArgs({
  options: {
    queue: { type: 'string', default: 'rabbitmq,postgres' },
    rounds: { type: 'string', default: '5' },
    tasks: { type: 'string', default: '3000' },
    clients: { type: 'string', default: '16' },
    'per-second': { type: 'string', default: '50' },
    seconds: { type: 'string', default: '10' },
  },
});
const clients = Number(values.clients);
const perSecond = Number(values['per-second']);
const fast = { tasks: Number(values.tasks), perSecond: 0 };
const steady = { tasks: perSecond * Number(values.seconds), perSecond };
/** Of the API's kinds, where none says otherwise. */
const CONCURRENCY = 10;
const OVER_WITHIN_MS = 120_000;

type Load = { tasks: number; perSecond: number };
type Contender = { name: string; run(load: Load): Promise<BareRound> };
type Measured = { rate: number; p50: number; p99: number };

const bare = readFileSync(join(import.meta.dirname, 'tasks/bare.ts'), 'utf8');
const names = { postgres: 'pg-boss', rabbitmq: 'amqplib' };

for (const queue of values.queue.split(',') as QueueName[]) {
  const trial = await startTaskTrial(queue, { files: { 'bench/bare.ts': bare } });
  try {
    const contenders = [ours(trial, queue), alone(trial, queue)];
    const measured = contenders.map(() => [] as Measured[]);
    // The first round is for the compilers.
    for (let round = -1; round < Number(values.rounds); round += 1) {
      for (const [n, contender] of contenders.entries()) {
        const figures = await measure(contender);
        if (round >= 0) measured[n]?.push(figures);
      }
    }
    show(contenders, measured);
  } finally {
    await trial.checkout.remove();
  }
}

async function measure({ run }: Contender): Promise<Measured> {
  const { seconds } = await run(fast);
  const { latencies } = await run(steady);
  const sorted = latencies.toSorted((a, b) => a - b);
  const part = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { rate: fast.tasks / seconds, p50: part(0.5), p99: part(0.99) };
}

function ours(trial: TaskTrial, queue: QueueName): Contender {
  return {
    name: `the API through nginx, queue: ${queue}`,
    async run(load) {
      const began = Date.now();
      const accepted = await submitTasks(trial, { kind: 'empty', clients, ...load });
      if ((await allOver(trial, 'empty', OVER_WITHIN_MS)) !== 0) throw new Error('not all tasks are done');
      const first = Math.min(...accepted.map(({ id }) => id));
      const rows = await trial.sql(
        `select id, extract(epoch from finished_at) * 1000 from tasks where id >= ${first} and status = 'done'`,
      );
      const ends = new Map(rows.map(([id, end]) => [Number(id), Number(end)]));
      const latencies = accepted.map(({ id, sentAt }) => (ends.get(id) ?? Number.NaN) - sentAt);
      if (latencies.some(Number.isNaN)) throw new Error('a task was not done');
      return { seconds: (Math.max(...ends.values()) - began) / 1000, latencies };
    },
  };
}

function alone({ checkout }: TaskTrial, queue: QueueName): Contender {
  return {
    name: `${names[queue]} by itself`,
    async run(load) {
      const whole: BareLoad = { ...load, senders: clients, concurrency: CONCURRENCY };
      const words = ['run', '--', 'node', 'bench/bare.ts', queue, JSON.stringify(whole)];
      const { stdout } = await checkout.must(words);
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as BareRound;
    },
  };
}

function show(contenders: Contender[], measured: Measured[][]): void {
  const base = measured.at(-1) ?? [];
  const rows = contenders.map(({ name }, n) => {
    const rounds = measured[n] ?? [];
    const of = (figure: keyof Measured, digits: number) =>
      spread(
        rounds.map((each) => each[figure]),
        digits,
      );
    const ratio = median(rounds.map(({ rate }, round) => rate / (base[round]?.rate ?? Number.NaN)));
    return [name, of('rate', 0), `${ratio.toFixed(2)} ×`, of('p50', 1), of('p99', 1)];
  });
  const headings = ['', 'tasks/s', 'of bare', `p50 ms at ${perSecond}/s`, `p99 ms at ${perSecond}/s`];
  console.log(table(headings, rows));
}
