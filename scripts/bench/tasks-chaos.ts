import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Accepted, submitTasks } from '../../test/e2e/task-clients.ts';
import { killPart, type Part } from '../../test/e2e/task-kills.ts';
import { type QueueName, startTaskTrial, type TaskTrial } from '../../test/e2e/task-trial.ts';
import { table } from '../table.ts';
import { spread } from './api/statistics.ts';
import { allOver, outcomesOf } from './tasks/outcomes.ts';
import { recovery } from './tasks/recovery.ts';
import { type Verdict, verdictOf } from './tasks/verdict.ts';

/**
 * Whether a task that was answered 202 is done exactly once, whatever dies: 16 clients submit 10,000 tasks to a machine of
 * their own, each repeated by its Idempotency-Key until it is answered, while the web processes, the worker, the broker and
 * PostgreSQL are killed by SIGKILL in turn every 5 s, with a deploy in the middle. Each task's end leaves a row in a table
 * that takes any number of the same. Run it as `node scripts/bench/tasks-chaos.ts`, as root, with the Node of the lock
 * file. `--queue rabbitmq,postgres`, `--tasks 10000`, `--clients 16`, `--per-second 80` (0: as many as it takes),
 * `--every 5`. Exit code 1 unless every task was done and none twice.
 */
const { values } = parseArgs({
  options: {
    queue: { type: 'string', default: 'rabbitmq,postgres' },
    tasks: { type: 'string', default: '10000' },
    clients: { type: 'string', default: '16' },
    'per-second': { type: 'string', default: '80' },
    every: { type: 'string', default: '5' },
  },
});
const tasks = Number(values.tasks);
const OVER_WITHIN_MS = 900_000;
const DEPLOYS = 5;

type Kill = { part: Part; at: number; processes: number };
type Round = {
  queue: QueueName;
  verdict: Verdict;
  accepted: Accepted[];
  kills: Kill[];
  finished: number[];
  deploys: string;
  seconds: number;
};

const rounds: Round[] = [];
for (const queue of values.queue.split(',') as QueueName[]) {
  const trial = await startTaskTrial(queue);
  try {
    const round = await wreakHavoc(trial, queue);
    show(round);
    rounds.push(round);
  } finally {
    await trial.checkout.remove();
  }
}
console.log(summary());
process.exitCode = rounds.every(({ verdict }) => verdict.once === tasks && verdict.strangers === 0) ? 0 : 1;

async function wreakHavoc(trial: TaskTrial, queue: QueueName): Promise<Round> {
  const parts: Part[] =
    queue === 'rabbitmq' ? ['web', 'worker', 'broker', 'database'] : ['web', 'worker', 'database'];
  const began = Date.now();
  const kills: Kill[] = [];
  const submitted = new AbortController();
  let deploys: Promise<string> | undefined;
  const killing = killInTurn(trial, parts, kills, submitted.signal);
  try {
    const accepted = await submitTasks(trial, {
      ...{ kind: 'effect', payload: (n: number) => ({ n }), tasks, clients: Number(values.clients) },
      perSecond: Number(values['per-second']),
      onAccepted({ length }) {
        if (length >= tasks / 2) deploys ??= deployUntilLive(trial);
      },
    });
    const said = (await deploys) ?? '';
    submitted.abort();
    await killing;
    const left = await allOver(trial, 'effect', OVER_WITHIN_MS);
    if (left !== 0) console.log(`${left} tasks are not over after ${OVER_WITHIN_MS / 1000} s`);
    const outcomes = await outcomesOf(trial, 'effect');
    const finished = outcomes.filter(({ finishedAt }) => finishedAt > 0).map(({ finishedAt }) => finishedAt);
    const seconds = (Math.max(...finished) - began) / 1000;
    return {
      queue,
      verdict: verdictOf(accepted, outcomes),
      accepted,
      kills,
      finished,
      deploys: said,
      seconds,
    };
  } finally {
    submitted.abort();
    await killing;
  }
}

async function killInTurn(
  { checkout }: TaskTrial,
  parts: Part[],
  kills: Kill[],
  end: AbortSignal,
): Promise<void> {
  for (let turn = 0; !end.aborted; turn += 1) {
    await wait(Number(values.every) * 1000, undefined, { signal: end }).catch(() => {});
    if (end.aborted) return;
    const part = parts[turn % parts.length] as Part;
    const at = Date.now();
    kills.push({ part, at, processes: killPart(checkout, part) });
  }
}

/** A deploy may be hit as anything else: then it is made again, as its operator would. */
async function deployUntilLive(trial: TaskTrial): Promise<string> {
  await trial.change();
  const failures: string[] = [];
  for (const began = Date.now(); ; ) {
    const { code, stderr } = await trial.checkout.berth(['deploy']);
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    if (code === 0) return `live after ${seconds} s${failures.map((why) => `, after ${why}`).join('')}`;
    failures.push(/\((\w+)\)/.exec(stderr)?.[1] ?? `exit code ${code}`);
    if (failures.length === DEPLOYS) throw new Error(`no deploy succeeds: ${failures.join(', ')}\n${stderr}`);
  }
}

function show({ queue, accepted, kills, finished, deploys }: Round): void {
  const answered = accepted.map(({ sentAt, at }) => ({ sentAt, at }));
  const rows = [...new Set(kills.map(({ part }) => part))].map((part) => {
    const hit = kills.filter((kill) => kill.part === part && kill.processes > 0);
    const until = (events: (kill: Kill) => number[]) =>
      spread(
        hit.map((kill) => recovery(kill.at, events(kill)) / 1000).filter((seconds) => !Number.isNaN(seconds)),
        2,
      );
    // An answer to what was asked before says nothing of who answers now.
    const since = (kill: Kill) => answered.filter(({ sentAt }) => sentAt > kill.at).map(({ at }) => at);
    return [part, `${hit.length}`, until(since), until(() => finished)];
  });
  console.log(`\n${queue}: the deploy was ${deploys}`);
  console.log(table(['SIGKILL of', 'times', 's until a 202', 's until a task is done'], rows));
}

function summary(): string {
  const rows = rounds.map(({ queue, verdict, accepted, kills, seconds }) => [
    ...[queue, `${verdict.accepted}`, `${verdict.once}`, `${verdict.lost}`, `${verdict.doubled}`],
    ...[`${verdict.failed}`, `${verdict.strangers}`],
    ...[`${accepted.reduce((sum, { tries }) => sum + tries - 1, 0)}`, `${kills.length}`, seconds.toFixed(0)],
  ]);
  const headings = ['queue', 'answered 202', 'done once', 'lost', 'doubled', 'failed', 'made twice'];
  return table([...headings, 'repeated', 'kills', 's in all'], rows);
}
