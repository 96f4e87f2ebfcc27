import type { Logger } from 'pino';
import type { Db } from '../db.ts';
import type { Queue } from './queue.ts';
import { createPostgresQueue } from './queues/postgres.ts';
import { createRabbitmqQueue } from './queues/rabbitmq.ts';

export interface CreateQueueOptions {
  db: Db;
  log: Logger;
  kinds: string[];
  /** Of RabbitMQ; undefined: the queue is in the database. */
  queueUrl: string | undefined;
  /** Where a worker's queue has connections of its own; without it nothing can be worked on. */
  databaseUrl?: string;
}

/** The broker that the settings name. */
export function createQueue({ queueUrl, ...options }: CreateQueueOptions): Queue | Promise<Queue> {
  return queueUrl === undefined
    ? createPostgresQueue(options)
    : createRabbitmqQueue({ ...options, url: queueUrl });
}
