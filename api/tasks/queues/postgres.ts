import pg from 'pg';
import { type Db as BossDb, PgBoss } from 'pg-boss';
import bossPackage from 'pg-boss/package.json' with { type: 'json' };
import { type Db, poolOf } from '../../db.ts';
import type { Message, Queue, QueueOptions, Take } from '../queue.ts';

/** Where those wait that no worker is to take. */
const PARKED = 'parked';

/** A worker that says nothing for so long has died: pg-boss takes no less. */
const HEARTBEAT_SECONDS = 10;

/** Polls beside the notifications, for one that got lost. */
const POLL_SECONDS = 2;

/** Fetched at once by each of a kind's loops: a slow task holds up the answer to no more than this many. */
const BATCH = 2;

/**
 * pg-boss takes no tables but those of its own version: each has a schema, so that the release before, which runs on until
 * the next one is live and comes back by a rollback, has its own.
 */
const SCHEMA = `queue_${bossPackage.pgboss.schema}`;

const OPTIONS = {
  schema: SCHEMA,
  migrate: false,
  createSchema: false,
  schedule: false,
  registerInstance: false,
  openTelemetry: { enabled: false },
} as const;

export interface PostgresQueueOptions extends QueueOptions {
  db: Db;
  /** Where a worker's own connections lead, of which one listens; without it nothing can be worked on. */
  databaseUrl?: string;
}

/** The embedded broker: pg-boss, in the application's own database. */
export function createPostgresQueue({ db, databaseUrl, log }: PostgresQueueOptions): Queue {
  const supervise = {
    superviseIntervalSeconds: 2,
    monitorIntervalSeconds: 2,
    maintenanceIntervalSeconds: 300,
    monitorVacuum: false,
  };
  const boss = databaseUrl
    ? new PgBoss({ ...OPTIONS, ...supervise, connectionString: databaseUrl, max: 4, useListenNotify: true })
    : new PgBoss({ ...OPTIONS, supervise: false, db: bossDb(db) });
  boss.on('error', (error) => log.warn({ reason: error.message }, 'queue'));
  boss.on('warning', ({ message }) => log.debug({ reason: message }, 'queue'));
  const worked: string[] = [];
  let started: Promise<unknown> | undefined;
  /** Only when it is needed: the API serves without a database, too. */
  function start(): Promise<unknown> {
    started ??= boss.start().catch((error) => {
      started = undefined;
      throw error;
    });
    return started;
  }

  return {
    name: 'postgres',
    place: SCHEMA,
    async send(messages, delayMs) {
      await start();
      const startAfter = delayMs && { startAfter: delayMs / 1000 };
      for (const [kind, group] of Map.groupBy(messages, (message) => message.kind))
        await boss.insert(
          kind,
          group.map(({ id }) => ({ data: { id }, ...startAfter })),
        );
    },
    async park({ id, kind }) {
      await start();
      await boss.send(PARKED, { id, kind }, { singletonKey: String(id) });
    },
    async unpark({ id }) {
      await start();
      const jobs = await boss.findJobs(PARKED, { key: String(id), queued: true });
      for (const job of jobs) await boss.deleteJob(PARKED, job.id);
    },
    async work(kind, concurrency, take) {
      await start();
      worked.push(kind);
      const batchSize = concurrency % BATCH === 0 ? BATCH : 1;
      await boss.work<{ id: number }>(
        kind,
        {
          batchSize,
          localConcurrency: concurrency / batchSize,
          burstWhenBatchFull: true,
          pollingIntervalSeconds: POLL_SECONDS,
          notifyPollingIntervalSeconds: POLL_SECONDS,
          perJobResults: true,
        },
        (jobs) => Promise.all(jobs.map((job) => settle(job.id, { id: job.data.id, kind }, take))),
      );
    },
    async isEmpty(kind) {
      await start();
      const { rows } = await boss
        .getDb()
        .executeSql(
          `select exists (select from ${SCHEMA}.job where name = $1 and state < 'completed') as any`,
          [kind],
        );
      return !rows[0].any;
    },
    async rest() {
      // Not the whole of it: that would fail what is still under way.
      for (const kind of worked) await boss.offWork(kind, { wait: false });
    },
    async close() {
      for (const kind of worked) await boss.offWork(kind);
      if (started) await boss.stop({ graceful: false, close: true });
    },
  };
}

/** Makes the tables of this pg-boss, and the queues of these kinds. */
export async function installPostgresQueue(databaseUrl: string, kinds: string[]): Promise<void> {
  const boss = new PgBoss({
    ...OPTIONS,
    migrate: true,
    createSchema: true,
    supervise: false,
    connectionString: databaseUrl,
    max: 1,
  });
  boss.on('error', () => {});
  await boss.start();
  try {
    const queue = {
      notify: true,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      // A message that failed, for want of the database, comes again for ever: its row says when it is enough.
      retryLimit: 1_000_000,
      retryDelay: 1,
      expireInSeconds: 1_800,
      retentionSeconds: 10 * 365 * 86_400,
      deleteAfterSeconds: 600,
    };
    const known = new Set((await boss.getQueues()).map(({ name }) => name));
    for (const kind of kinds)
      if (known.has(kind)) await boss.updateQueue(kind, queue);
      else await boss.createQueue(kind, queue);
    if (!known.has(PARKED)) await boss.createQueue(PARKED, { retentionSeconds: queue.retentionSeconds });
  } finally {
    await boss.stop({ graceful: false, close: true });
  }
}

async function settle(jobId: string, message: Message, take: Take) {
  try {
    await take(message);
    return { id: jobId, status: 'completed' as const };
  } catch {
    return { id: jobId, status: 'failed' as const };
  }
}

/** The API's own connections, with pg's own parsers. */
function bossDb(db: Db): BossDb {
  return { executeSql: (text, values) => poolOf(db).query({ text, values: values ?? [], types: pg.types }) };
}
