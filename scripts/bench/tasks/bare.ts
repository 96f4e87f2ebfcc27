import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { userInfo } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import amqp from 'amqplib';
import { PgBoss } from 'pg-boss';

/**
 * pg-boss or amqplib by themselves, as their manuals have them: `node bare.ts <postgres|rabbitmq> <BareLoad as JSON>` sends
 * so many messages from this process, each of the senders one after the other, to another process that takes them. Prints
 * what came of it as JSON. Run on a machine by `tasks-speed.ts`, with an application's DATABASE_URL or QUEUE_URL.
 */
export interface BareLoad {
  tasks: number;
  senders: number;
  /** In all; 0: as many as it takes. */
  perSecond: number;
  concurrency: number;
}

/** From the first send to the last message taken; of each, milliseconds from its send to its take. */
export interface BareRound {
  seconds: number;
  latencies: number[];
}

interface Broker {
  send(sentAt: number): Promise<unknown>;
  work(concurrency: number, take: (sentAt: number) => void): Promise<unknown>;
  close(): Promise<unknown>;
}

const QUEUE = 'bare';
// Without a user in the URL pg takes $USER, which is not the account's name everywhere.
process.env.PGUSER ??= userInfo().username;

const [name = '', text = '', part] = process.argv.slice(2);
const load = JSON.parse(text) as BareLoad;
const broker = name === 'rabbitmq' ? await rabbitmq() : await postgres(part === 'work');
if (part === 'work') await work();
else console.log(JSON.stringify(await measure()));

async function measure(): Promise<BareRound> {
  const worker = fork(import.meta.filename, [name, text, 'work']);
  await once(worker, 'message');
  const began = Date.now();
  const [[{ latencies, lastAt }]] = await Promise.all([once(worker, 'message'), sendAll()]);
  await ended(worker);
  await broker.close();
  return { seconds: (lastAt - began) / 1000, latencies };
}

async function sendAll(): Promise<void> {
  const { tasks, senders, perSecond } = load;
  const everyMs = perSecond === 0 ? 0 : (senders * 1000) / perSecond;
  let left = tasks;
  const sender = async (first: number) => {
    for (let due = performance.now() + (everyMs * first) / senders; left-- > 0; ) {
      await wait(Math.max(0, due - performance.now()));
      due = Math.max(due + everyMs, performance.now());
      await broker.send(Date.now());
    }
  };
  await Promise.all(Array.from({ length: senders }, (_, n) => sender(n)));
}

async function work(): Promise<void> {
  const latencies: number[] = [];
  const all = Promise.withResolvers<number>();
  await broker.work(load.concurrency, (sentAt) => {
    latencies.push(Date.now() - sentAt);
    if (latencies.length === load.tasks) all.resolve(Date.now());
  });
  process.send?.('ready');
  const lastAt = await all.promise;
  process.send?.({ latencies, lastAt });
  await broker.close();
  process.disconnect?.();
}

async function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode === null) await once(worker, 'exit');
}

/** As the API has it: told by LISTEN and NOTIFY, two at once from each of half as many loops. */
async function postgres(listens: boolean): Promise<Broker> {
  const boss = new PgBoss({
    ...{ connectionString: process.env.DATABASE_URL as string, schema: 'bare', max: 10 },
    ...{ schedule: false, useListenNotify: listens, openTelemetry: { enabled: false } },
  });
  boss.on('error', console.error);
  await boss.start();
  if (listens) {
    await boss.createQueue(QUEUE, { notify: true });
    await boss.deleteAllJobs(QUEUE);
  }
  return {
    send: (sentAt) => boss.send(QUEUE, { sentAt }),
    work: (concurrency, take) =>
      boss.work<{ sentAt: number }>(
        QUEUE,
        {
          ...{ batchSize: 2, localConcurrency: Math.ceil(concurrency / 2), burstWhenBatchFull: true },
          ...{ pollingIntervalSeconds: 2, notifyPollingIntervalSeconds: 2 },
        },
        async (jobs) => {
          for (const { data } of jobs) take(data.sentAt);
        },
      ),
    // Gracefully: what was taken last is completed.
    close: () => boss.stop({ graceful: true, close: true }),
  };
}

/** A quorum queue, publisher confirms, manual acknowledgements. */
async function rabbitmq(): Promise<Broker> {
  const connection = await amqp.connect(process.env.QUEUE_URL as string);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  return {
    send: (sentAt) =>
      new Promise((resolve, reject) => {
        const content = Buffer.from(String(sentAt));
        channel.sendToQueue(QUEUE, content, { persistent: true }, (error) =>
          error ? reject(error) : resolve(undefined),
        );
      }),
    async work(concurrency, take) {
      await channel.purgeQueue(QUEUE);
      await channel.prefetch(concurrency);
      await channel.consume(QUEUE, (message) => {
        if (!message) return;
        take(Number(message.content));
        channel.ack(message);
      });
    },
    close: () => connection.close(),
  };
}
