import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import type { QueueView } from '../../provisioning/queue-view.ts';
import { eventually } from './computer.ts';
import { type Accepted, submitTasks } from './task-clients.ts';
import { followTask } from './task-events.ts';
import { killPart, type Part } from './task-kills.ts';
import { startTaskTrial, type TaskTrial } from './task-trial.ts';
import { figure } from './user.ts';

/** Tasks on a machine with RabbitMQ, through nginx. `scripts/bench/tasks-*.ts` measure more of the same. */
describe('tasks on a machine', function () {
  this.timeout(900_000);
  this.bail(true);
  let trial: TaskTrial;

  this.beforeAll(async () => {
    // Below 2 GB no release stays warm: a deploy ends the streams of the one before.
    trial = await startTaskTrial('rabbitmq', { machine: { memory: '1900mb' } });
  });
  this.afterAll(() => trial?.checkout.remove());

  const submit = (kind: string, tasks: number, payload: (n: number) => object = () => ({})) =>
    submitTasks(trial, { kind, payload, tasks, clients: Math.min(8, tasks) });
  const effects = (tasks: number) => submit('effect', tasks, (n) => ({ n }));
  const queue = async () =>
    JSON.parse(
      (await trial.checkout.must(['queue', '--json'])).stdout.trim().split('\n').at(-1) ?? '',
    ) as QueueView;
  const idsOf = (accepted: Accepted[]) => accepted.map(({ id }) => id).join(', ');

  /** Waits for the end of all, and says seconds from the first request to the last end. */
  async function done(what: string, accepted: Accepted[], seconds: number): Promise<number> {
    const query = `select count(*), max(extract(epoch from finished_at)) from tasks
                    where id in (${idsOf(accepted)}) and status = 'done'`;
    const end = await eventually(what, seconds, async () => {
      const [row] = await trial.sql(query);
      return row?.[0] === String(accepted.length) ? Number(row[1]) : undefined;
    });
    return end - Math.min(...accepted.map(({ sentAt }) => sentAt)) / 1000;
  }

  async function onceEach(accepted: Accepted[]): Promise<void> {
    const query = `select task_id, count(*) from effects where task_id in (${idsOf(accepted)}) group by task_id`;
    const counts = await trial.sql(query);
    assert.equal(counts.length, accepted.length, 'each has left its effect');
    assert.deepEqual(
      counts.filter(([, count]) => count !== '1'),
      [],
      'and none two',
    );
  }

  it('are done', async () => {
    const accepted = await effects(20);
    figure('20 tasks by 8 clients, s', (await done('20 tasks', accepted, 20)).toFixed(2));
    await onceEach(accepted);
    const { connected, unsent, kinds, parked, warnings } = await queue();
    assert.deepEqual(
      { connected, unsent, kinds, parked, warnings },
      {
        ...{ connected: true, unsent: 0, kinds: [], parked: [], warnings: [] },
      },
    );
  });

  it('are not held up by slow ones', async () => {
    const slow = await submit('slow', 8, () => ({ seconds: 4 }));
    const seconds = await done('others', await effects(20), 10);
    figure('20 tasks beside 8 slow ones, s', seconds.toFixed(2));
    assert.ok(seconds < 4);
    await done('the slow ones', slow, 30);
  });

  it('that end their worker are given up by name, and hold up nothing, slow ones under way included', async () => {
    const slow = await submit('slow', 2, () => ({ seconds: 40 }));
    await eventually('the slow ones under way', 10, async () =>
      (await queue()).kinds.some(({ kind, running }) => kind === 'slow' && running === 2) ? true : undefined,
    );
    const poison = await submit('poison', 2);
    const others = await effects(40);
    const seconds = await done('others', others, 38);
    figure('40 tasks beside 2 that kill their worker, s', seconds.toFixed(2));
    await onceEach(others);
    const given = await eventually('both given up', 30, async () => {
      const { parked } = await queue();
      return parked.length === 2 ? parked : undefined;
    });
    assert.deepEqual(given.map(({ id }) => id).sort(), poison.map(({ id }) => id).sort());
    for (const { kind, attempts, error } of given)
      assert.deepEqual([kind, attempts, error], ['poison', 2, 'It ended its process: SIGKILL']);
    await done('the slow ones', slow, 150);
    for (const { id } of given) await trial.checkout.must(['queue', 'drop', String(id)]);
    assert.deepEqual((await queue()).parked, []);
  });

  it('are followed over a deploy, which lets them end or hands them back', async () => {
    const [brief, long] = [
      await submit('slow', 1, () => ({ seconds: 6 })),
      await submit('slow', 1, () => ({ seconds: 24 })),
    ];
    const [briefly, longer] = [brief, long].map(([task]) => followTask(trial, task?.id as number));
    await trial.change();
    await trial.checkout.must(['deploy']);
    const [first = [], second = []] = [await briefly, await longer];
    const ends = [first, second].map((events) => events.at(-1)?.task);
    assert.deepEqual(
      ends.map((task) => [task?.status, task?.result]),
      [
        ['done', { run: 1 }],
        ['done', { run: 2 }],
      ],
    );
    assert.ok(new Set(second.map(({ release }) => release)).size > 1, 'a stream of each release');
    for (const events of [first, second]) {
      const ids = events.map(({ id }) => id);
      assert.deepEqual(
        ids,
        [...new Set(ids)].sort((a, b) => a - b),
      );
    }
    await onceEach([...brief, ...long]);
  });

  it('are neither lost nor doubled while everything that they need is killed', async () => {
    const parts: Part[] = ['web', 'worker', 'broker', 'database'];
    const submitting = submitTasks(trial, {
      ...{ kind: 'effect', payload: (n: number) => ({ n }), tasks: 400, clients: 16, perSecond: 25 },
    });
    for (const part of parts) {
      await wait(3_000);
      assert.ok(killPart(trial.checkout, part) > 0, part);
    }
    const accepted = await submitting;
    const seconds = await done('all of them', accepted, 90);
    const repeated = accepted.filter(({ tries }) => tries > 1).length;
    figure('400 tasks under 4 kills: s; asked for again by their key', `${seconds.toFixed(1)}; ${repeated}`);
    await onceEach(accepted);
  });

  it('are accepted while RabbitMQ is short of disk, and done when it is not', async () => {
    const limit = (size: string) =>
      trial.checkout.ssh(`sudo rabbitmqctl --quiet set_disk_free_limit ${size}`);
    await limit('100000GB');
    const accepted = await effects(20);
    const view = await eventually('the alarm', 30, async () => {
      const now = await queue();
      return now.warnings.some((text) => /free disk/.test(text)) ? now : undefined;
    });
    assert.equal(view.kinds.find(({ kind }) => kind === 'effect')?.waiting, 20);
    await limit('512MiB');
    figure('20 tasks that waited for disk, s', (await done('all of them', accepted, 60)).toFixed(1));
    await onceEach(accepted);
  });

  it('are done by another queue than the one that was told of them', async () => {
    await trial.checkout.must(['scale', 'worker=0']);
    const accepted = await effects(20);
    assert.equal((await queue()).kinds.find(({ kind }) => kind === 'effect')?.waiting, 20);
    trial.settings({ queue: 'postgres' });
    await trial.checkout.must(['apply']);
    await trial.checkout.must(['scale', 'worker=auto']);
    await done('all of them', accepted, 60);
    await onceEach(accepted);
    assert.equal((await queue()).queue, 'postgres');
  });
});
