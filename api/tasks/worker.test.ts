import assert from 'node:assert/strict';
import Joi from 'joi';
import { pino } from 'pino';
import { readWorkerConfig } from '../config.ts';
import { closeDb, createDb, type Db } from '../db.ts';
import { type Account, useApi } from '../testing/api.ts';
import { BROKERS } from '../testing/brokers.ts';
import { eventually } from '../testing/eventually.ts';
import { useRabbitmq } from '../testing/rabbitmq.ts';
import { createQueue } from './create-queue.ts';
import { defineKind, type Kind, type Running, TaskError } from './kind.ts';
import { KINDS } from './kinds.ts';
import type { Queue } from './queue.ts';
import { installPostgresQueue } from './queues/postgres.ts';
import type { Task } from './store.ts';
import type { Ending } from './try.ts';
import { createWorker, type Worker } from './worker.ts';

type Behaviour = (task: Running<object>) => Promise<unknown>;

for (const { name, isHere, url } of BROKERS) {
  describe(`a worker, with ${name}`, function () {
    this.timeout(150_000);
    const env = async () => {
      const queueUrl = await url();
      return queueUrl ? { QUEUE_URL: queueUrl } : ({} as Record<string, string>);
    };
    const api = useApi(async () => (isHere ? env() : {}));
    const kinds = new Map<string, Kind>(KINDS);
    let behave: Behaviour;
    let runs: Running<object>[];
    let ada: Account;
    let worker: Worker;
    let db: Db;
    let queue: Queue;
    const apart = async (): Promise<Ending> => ({ failed: 'it was tried apart' });

    function addKind(name: string, more: Partial<Kind> = {}): void {
      const kind = defineKind<object, object>({
        name,
        description: 'For this test',
        payload: Joi.object().unknown(),
        async run(task) {
          runs.push(task);
          const result = await behave(task);
          return () => result as object;
        },
      });
      kinds.set(name, { ...kind, ...more });
    }

    before(async function () {
      if (!isHere) this.skip();
      for (const [name, more] of [
        ['test', {}],
        ['once', { attempts: 1 }],
        ['three', { concurrency: 3 }],
        ['brief', { attempts: 1, timeoutMs: 300 }],
        ['later', { version: 2, upgrade: (payload: unknown) => ({ upgraded: payload }) }],
      ] as const)
        addKind(name, more);
      await installPostgresQueue(api.databaseUrl, [...kinds.keys()]);
      ada = await api.signUp('ada');
    });
    beforeEach(async () => {
      runs = [];
      behave = async () => ({});
      await start();
    });
    afterEach(() => stop());

    async function start(): Promise<void> {
      const { database } = readWorkerConfig({ DATABASE_URL: api.databaseUrl });
      const log = pino({ level: 'silent' });
      db = createDb(database, 'worker test');
      const names = [...kinds.keys()];
      queue = await createQueue({ db, log, kinds: names, queueUrl: queueUrl(), databaseUrl: database.url });
      worker = createWorker({ db, queue, kinds, log, schedules: [], apart });
      await worker.start();
      await eventually('the broker', () => queue.isEmpty('test').catch(() => undefined));
    }
    const queueUrl = () => api.queueUrl;

    async function stop(drainMs = 5_000): Promise<void> {
      await worker.stop(drainMs);
      await closeDb(db);
    }

    async function order(kind: string, more: Partial<Task> = {}): Promise<number> {
      const id = await write(kind, more);
      await queue.send([{ id, kind }]);
      return id;
    }

    /** As a process leaves it that ended before it could tell the broker. */
    async function write(kind: string, more: Partial<Task> = {}): Promise<number> {
      const row = { kind, version: 1, payload: '{}', owner_id: ada.id, ...more };
      const [task] = await api.db('tasks').insert(row).returning('id');
      return task?.id as number;
    }

    async function over(id: number): Promise<Task> {
      return eventually(`the end of task ${id}`, async () => {
        const task = await api.db('tasks').where({ id }).first();
        return task?.finished_at ? task : undefined;
      });
    }

    it('does what is asked for over HTTP', async () => {
      const { body } = await ada.post('/tasks', { kind: 'digest' });
      const task = await over(body.id);
      assert.deepEqual([task.status, task.attempts, task.progress], ['done', 1, 100]);
      assert.deepEqual(Object.keys(task.result as object), ['posts', 'digest_id']);
    });

    it('finds a task that nobody has told the broker of', async () => {
      assert.equal((await over(await write('test'))).status, 'done');
    });

    it('tries again what has failed', async () => {
      behave = async () => {
        if (runs.length === 1) throw new Error('not now');
        return { tries: runs.length };
      };
      const task = await over(await order('test'));
      assert.deepEqual([task.status, task.attempts, task.result], ['done', 2, { tries: 2 }]);
    });

    it('does not try again what cannot be done, and tells its owner why', async () => {
      behave = () => Promise.reject(new TaskError('there is nothing to do'));
      const task = await over(await order('test'));
      assert.deepEqual([task.status, task.attempts, task.error], ['failed', 1, 'there is nothing to do']);
      assert.equal(task.parked_at, null);
    });

    it('parks what has failed too often, and tells its owner nothing of why', async () => {
      behave = () => Promise.reject(new Error('a secret'));
      const task = await over(await order('once'));
      assert.deepEqual([task.status, task.error], ['failed', 'Given up after 1 failed attempt']);
      assert.match(task.failure as string, /a secret/);
      assert.ok(task.parked_at);
      await eventually('an empty queue', async () => (await queue.isEmpty('once')) || undefined);
    });

    it('ends what takes too long', async () => {
      const aborted = Promise.withResolvers<void>();
      behave = ({ signal }) => {
        signal.addEventListener('abort', () => aborted.resolve());
        return new Promise(() => {});
      };
      const task = await over(await order('brief'));
      await aborted.promise;
      assert.match(task.failure as string, /longer than 300 ms/);
    });

    it('does as many at once as the kind says, and no more', async () => {
      const release = Promise.withResolvers<object>();
      const taken: number[] = [];
      behave = async ({ id }) => {
        if (!ids.includes(id)) return {};
        taken.push(id);
        return release.promise;
      };
      const ids = await Promise.all(Array.from({ length: 5 }, () => write('three')));
      await queue.send(ids.map((id) => ({ id, kind: 'three' })));
      await eventually('three at once', async () => taken.length >= 3 || undefined);
      await over(await order('test'));
      assert.equal(taken.length, 3);
      release.resolve({});
      for (const id of ids) assert.equal((await over(id)).status, 'done');
    });

    it('has a task tried apart in the middle of which a process has ended', async () => {
      const id = await order('once', { status: 'running', run: 7, attempts: 1 });
      const { failure, attempts, deaths, run } = await over(id);
      assert.deepEqual([failure, attempts, deaths, run, runs.length], ['it was tried apart', 1, 1, 8, 0]);
    });

    it('gives up a task that has ended a process as often as it may be tried', async () => {
      const task = await over(await order('test', { status: 'running', run: 7, attempts: 1, deaths: 5 }));
      assert.deepEqual([task.error, task.deaths, runs.length], ['Given up after 6 failed attempts', 6, 0]);
      assert.match(task.failure as string, /ended in the middle/);
    });

    it('goes on with what it is told of again, however often', async () => {
      const release = Promise.withResolvers<object>();
      behave = async () => (runs.length === 1 ? release.promise : {});
      const id = await order('test');
      await eventually('a start', async () => runs[0]);
      await queue.send(Array.from({ length: 3 }, () => ({ id, kind: 'test' })));
      // They are taken in turn: those have been taken when this is done.
      await over(await order('test'));
      release.resolve({});
      const { status, run, attempts, deaths } = await over(id);
      await stop();
      assert.deepEqual([status, run, attempts, deaths, runs.length], ['done', 1, 1, 0, 2]);
      await start();
    });

    it('writes effects once, whoever else has the task', async () => {
      let release = () => {};
      behave = () => new Promise((resolve) => (release = () => resolve({})));
      const id = await order('test');
      await eventually('a start', async () => runs[0]);
      await api.db('tasks').where({ id }).update({ run: 9, status: 'done', result: '{"by":"another"}' });
      release();
      await stop();
      const task = await api.db('tasks').where({ id }).first();
      assert.deepEqual(task?.result, { by: 'another' });
      await start();
    });

    it('is told twice and does it once', async () => {
      const id = await order('test');
      await over(id);
      await queue.send([
        { id, kind: 'test' },
        { id, kind: 'test' },
      ]);
      assert.equal((await over(await order('test'))).status, 'done');
      await stop();
      assert.equal(runs.filter((run) => run.id === id).length, 1);
      await start();
    });

    it('hands back what is not over when it has to end, and that is done by the next one', async () => {
      behave = () => new Promise(() => {});
      const id = await order('test');
      await eventually('a start', async () => runs[0]);
      await stop(100);
      const task = await api.db('tasks').where({ id }).first();
      assert.deepEqual([task?.status, task?.attempts, task?.sent_to], ['pending', 0, null]);
      behave = async () => ({ by: 'the next' });
      await start();
      assert.deepEqual((await over(id)).result, { by: 'the next' });
    });

    it('brings an earlier payload into its own shape, and leaves a later one to later workers', async () => {
      behave = async ({ payload }) => payload;
      assert.deepEqual((await over(await order('later', { payload: '{"a":1}' }))).result, {
        upgraded: { a: 1 },
      });
      const id = await order('later', { version: 3 });
      // They are taken in turn: the later one has been looked at before this is done.
      assert.equal((await over(await order('later'))).status, 'done');
      await stop();
      const task = await api.db('tasks').where({ id }).first();
      assert.deepEqual([task?.status, task?.attempts], ['pending', 0]);
      await api.db('tasks').where({ id }).delete();
      await start();
    });

    it('does what another broker was told of before', async () => {
      await stop();
      const id = await write('test', { sent_to: name === 'postgres' ? 'rabbitmq' : 'postgres' });
      await start();
      assert.equal((await over(id)).status, 'done');
    });

    if (name === 'rabbitmq')
      it('hands back what is not over also while the broker hangs, and takes up no more', async () => {
        const rabbitmq = await useRabbitmq();
        behave = () => new Promise(() => {});
        const id = await order('test');
        await eventually('a start', async () => runs[0]);
        rabbitmq.freeze();
        try {
          const began = performance.now();
          await stop(100);
          assert.ok(performance.now() - began < 8_000);
        } finally {
          rabbitmq.thaw();
        }
        const task = await api.db('tasks').where({ id }).first();
        assert.deepEqual([task?.status, task?.attempts, task?.sent_to], ['pending', 0, null]);
        behave = async () => ({});
        await start();
        assert.equal((await over(id)).status, 'done');
      });

    if (name === 'rabbitmq')
      it('goes on when the broker is back, with what was asked for meanwhile', async () => {
        const rabbitmq = await useRabbitmq();
        await rabbitmq.kill();
        const { status, body } = await ada.post('/tasks', { kind: 'digest' });
        assert.equal(status, 202);
        await rabbitmq.start();
        assert.equal((await over(body.id)).status, 'done');
      });
  });
}
