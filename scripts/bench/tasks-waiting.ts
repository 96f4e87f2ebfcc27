import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { submitTasks } from '../../test/e2e/task-clients.ts';
import { type QueueName, startTaskTrial, type TaskTrial } from '../../test/e2e/task-trial.ts';
import { bytesText, table } from '../table.ts';

/**
 * What 100,000 waiting tasks do to who has to do them: they are written while no worker runs, then one does, and every
 * 2 s its memory is looked at, that of the web processes and of RabbitMQ, how many wait still, and how long a task of
 * another kind takes from its request to its end. Run it as `node scripts/bench/tasks-waiting.ts`, as root, with the Node of
 * the lock file. `--queue rabbitmq,postgres`, `--tasks 100000`. Exit code 1 if the worker's memory grew by more than a
 * quarter from its first tenth to its last.
 */
const { values } = parseArgs({
  options: {
    queue: { type: 'string', default: 'rabbitmq,postgres' },
    tasks: { type: 'string', default: '100000' },
  },
});
const EVERY_MS = 2_000;
const GROWTH = 1.25;

type Look = { worker: number; web: number; broker: number; waiting: number; otherMs: number };

/** Resident memory of the processes whose command line has a pattern, in KiB. */
const rss = (pattern: string) =>
  `$(ps -eo rss=,args= | awk '/${pattern}/ && !/awk/ {sum += $1} END {print sum + 0}')`;
const lookAt = `echo "${rss('api[/]worker.ts')} ${rss('api[/]server.ts')} ${rss('[b]eam.smp')}"`;

let flat = true;
for (const queue of values.queue.split(',') as QueueName[]) {
  const trial = await startTaskTrial(queue);
  try {
    await trial.checkout.must(['scale', 'worker=0']);
    await trial.sql(
      `insert into tasks (kind, version, payload) select 'empty', 1, '{}' from generate_series(1, ${values.tasks})`,
    );
    console.log(
      `\n${queue}, ${values.tasks} tasks that wait:\n${(await trial.checkout.must(['queue'])).stdout}`,
    );
    await trial.checkout.must(['scale', 'worker=1']);
    const looks = await watch(trial);
    show(queue, looks);
    const tenth = Math.max(1, Math.floor(looks.length / 10));
    const most = (some: Look[]) => Math.max(...some.map(({ worker }) => worker));
    flat &&= most(looks.slice(-tenth)) <= GROWTH * most(looks.slice(0, tenth));
  } finally {
    await trial.checkout.remove();
  }
}
process.exitCode = flat ? 0 : 1;

async function watch(trial: TaskTrial): Promise<Look[]> {
  const looks: Look[] = [];
  const query = `select count(*) from tasks where kind = 'empty' and status in ('pending', 'running')`;
  for (let waiting = 1; waiting > 0; await wait(EVERY_MS)) {
    waiting = Number((await trial.sql(query))[0]?.[0]);
    const [worker = 0, web = 0, broker = 0] = (await trial.checkout.ssh(lookAt))
      .trim()
      .split(' ')
      .map(Number);
    looks.push({ worker, web, broker, waiting, otherMs: await another(trial) });
  }
  return looks;
}

/** Milliseconds from the request to the end of a task of another kind. */
async function another(trial: TaskTrial): Promise<number> {
  const [accepted] = await submitTasks(trial, {
    kind: 'effect',
    payload: () => ({ n: 0 }),
    tasks: 1,
    clients: 1,
  });
  const query = `select extract(epoch from finished_at) * 1000 from tasks where id = ${accepted?.id} and status = 'done'`;
  for (;;) {
    const [row] = await trial.sql(query);
    if (row) return Number(row[0]) - (accepted?.sentAt ?? Number.NaN);
  }
}

function show(queue: QueueName, looks: Look[]): void {
  const every = Math.max(1, Math.floor(looks.length / 20));
  const shown = looks.filter((_, n) => n % every === 0 || n === looks.length - 1);
  const size = (kib: number) => bytesText(kib * 1024);
  const rows = shown.map(({ waiting, worker, web, broker, otherMs }) => [
    ...[`${waiting}`, size(worker), size(web), size(broker), otherMs.toFixed(0)],
  ]);
  console.log(
    table(['waiting', 'worker', 'web', queue === 'rabbitmq' ? 'RabbitMQ' : '-', 'another task, ms'], rows),
  );
}
