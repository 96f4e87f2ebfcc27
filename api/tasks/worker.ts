import type { Logger } from 'pino';
import type { Db } from '../db.ts';
import { createCron, type Schedule } from './cron.ts';
import { concurrencyOf, type Kind } from './kind.ts';
import { createOutbox } from './outbox.ts';
import type { Queue } from './queue.ts';
import { findLost, forget, takeOver } from './reconcile.ts';
import { createRunner, type RunnerOptions } from './runner.ts';

/** How often it looks for tasks that the broker does not know, and for times that have come. */
const SWEEP_MS = 1_000;

/** How often it looks for tasks that the broker has lost, and for what is to be forgotten. */
const RECONCILE_MS = 60_000;

export interface WorkerOptions extends Pick<RunnerOptions, 'apart'> {
  db: Db;
  queue: Queue;
  kinds: ReadonlyMap<string, Kind>;
  log: Logger;
  schedules: Schedule[];
}

/** Does the tasks of every kind, and sees to it that the broker knows of all. */
export interface Worker {
  start(): Promise<void>;
  /** Takes up no more, waits for what is under way up to `drainMs`, and hands the rest back. */
  stop(drainMs: number): Promise<void>;
}

export function createWorker({ db, queue, kinds, log, schedules, apart }: WorkerOptions): Worker {
  const runner = createRunner({ db, queue, kinds, log, apart });
  const outbox = createOutbox({ db, queue, log });
  const cron = createCron({ db, schedules, kinds, log });
  const timers: NodeJS.Timeout[] = [];
  let stopped = false;

  async function sendUnsent(): Promise<void> {
    while ((await outbox.sweep()) > 0 && !stopped);
  }

  async function findAllLost(): Promise<void> {
    for (const kind of kinds.values()) await findLost(db, queue, log, kind);
  }

  /** Runs again so long after it has ended, apart from the others; what fails is tried soon. */
  function repeat(everyMs: number, job: () => Promise<unknown>): void {
    const index = timers.length;
    const again = async () => {
      const done = await job().then(
        () => true,
        (error) => log.warn({ reason: error.message }, 'tasks are looked for later'),
      );
      if (!stopped) timers[index] = setTimeout(again, done ? everyMs : SWEEP_MS);
    };
    timers[index] = setTimeout(again, 0);
  }

  return {
    async start() {
      for (const [name, kind] of kinds) await queue.work(name, concurrencyOf(kind), runner.take);
      repeat(SWEEP_MS, () => cron.enqueueDue());
      repeat(SWEEP_MS, sendUnsent);
      repeat(RECONCILE_MS, () => takeOver(db, queue));
      repeat(RECONCILE_MS, findAllLost);
      repeat(RECONCILE_MS, () => forget(db));
    },
    async stop(drainMs) {
      stopped = true;
      timers.forEach(clearTimeout);
      await queue.rest().catch(() => {});
      await runner.end(drainMs);
      await queue.close().catch(() => {});
    },
  };
}
