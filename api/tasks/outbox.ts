import type { Logger } from 'pino';
import type { Db } from '../db.ts';
import { statement } from '../statements.ts';
import type { Message, Queue } from './queue.ts';

/** Told to the broker at once. */
const BATCH = 500;

/** Whoever wrote a task is about to send it: only later has it been forgotten. */
const FORGOTTEN_SECONDS = 2;

/** `tasks`, in ASCII: one number for whoever sweeps this database. */
const LOCK = 0x7461736b73;

/** Longer than a broker has to confirm. */
const TURN_MS = 15_000;

/** Tells the broker of the tasks that have been written. */
export interface Outbox {
  /** Sends it soon, after those before it; the row stays unsent where that fails. */
  add(message: Message): void;
  /** Sends those that nobody has sent; returns how many there were. None while another process does. */
  sweep(): Promise<number>;
}

/** `run`: of its row when it was read. */
type Unsent = Message & { run: number };

/** What has been started meanwhile is left as it is: it may have been handed back, and then this message was its last. */
const markSent = statement<{ ids: number[]; runs: number[]; place: string }, never>({
  name: 'mark_sent',
  build: (db, { ids, runs, place }) =>
    db.raw(
      `update tasks set sent_to = ?
         from unnest(?::integer[], ?::integer[]) as sent (id, run)
        where tasks.id = sent.id and tasks.run = sent.run and sent_to is null`,
      [place, ids, runs],
    ),
});

export function createOutbox({ db, queue, log }: { db: Db; queue: Queue; log: Logger }): Outbox {
  const waiting: Unsent[] = [];
  let sending = false;

  /** One batch after the other: while one is under way, the next fills. */
  async function flush(): Promise<void> {
    if (sending) return;
    sending = true;
    try {
      while (waiting.length > 0) await send(db, queue, waiting.splice(0, BATCH));
    } catch (error) {
      waiting.length = 0;
      log.warn({ reason: (error as Error).message }, 'tasks stay unsent for now');
    } finally {
      sending = false;
    }
  }

  return {
    add(message) {
      waiting.push({ ...message, run: 0 });
      void flush();
    },
    sweep: () =>
      db.transaction(async (transaction) => {
        if (!(await takeTurn(transaction))) return 0;
        const unsent = await transaction('tasks')
          .whereNull('sent_to')
          .whereIn('status', ['pending', 'running'])
          .where('changed_at', '<', db.raw(`now() - interval '${FORGOTTEN_SECONDS} s'`))
          .orderBy('id')
          .limit(BATCH)
          .select('id', 'kind', 'run');
        if (unsent.length > 0) await send(transaction, queue, unsent);
        return unsent.length;
      }),
  };
}

/**
 * One sweeps at a time, so that none is sent twice, and no row is locked meanwhile: its task may be started before the broker
 * has confirmed it. PostgreSQL takes the turn from a process that has stopped in the middle.
 */
async function takeTurn(transaction: Db): Promise<boolean> {
  const { rows } = await transaction.raw(
    `select pg_try_advisory_xact_lock(?) as taken, set_config('idle_in_transaction_session_timeout', ?, true)`,
    [LOCK, String(TURN_MS)],
  );
  return rows[0].taken;
}

/** Twice is no harm: it is the row that knows whether there is something to do. */
async function send(db: Db, queue: Queue, messages: Unsent[]): Promise<void> {
  await queue.send(messages);
  const [ids, runs] = [messages.map(({ id }) => id), messages.map(({ run }) => run)];
  await markSent(db, { ids, runs, place: queue.place });
}
