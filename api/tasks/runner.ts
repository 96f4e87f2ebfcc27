import { setTimeout as after } from 'node:timers/promises';
import type { Logger } from 'pino';
import { BoundedMap } from '../bounded-map.ts';
import type { Db } from '../db.ts';
import { attemptsOf, type Kind, versionOf } from './kind.ts';
import { DELAYS_MS, type DelayMs, type Message, type Queue } from './queue.ts';
import { type Changes, change, claim, isOfLater, type Start, type Started, Superseded } from './store.ts';
import { type Ending, tryTask, unlessAborted } from './try.ts';

/** How long a task waits for a worker of a later release, or for those that may end their process before it does. */
const LATER_MS = DELAYS_MS[1];

/**
 * What cannot be taken is given back no sooner: while the database is away the next cannot be, either, and RabbitMQ would be
 * asked for all that wait, thousands a second.
 */
const BRAKE_MS = 500;

/** More starts than that are never under way while the database is away. */
const MAX_SURVIVED = 10_000;

export interface RunnerOptions {
  db: Db;
  queue: Queue;
  kinds: ReadonlyMap<string, Kind>;
  log: Logger;
  /** Has a task tried by another process, which it may end. */
  apart(kind: Kind, started: Started): Promise<Ending>;
}

/** Takes tasks from the broker to their end. */
export interface Runner {
  /** Resolves when the broker may forget the message. One that comes again while it is tried starts nothing. */
  take(message: Message): Promise<void>;
  /** Waits for those under way, and hands back what is not over after `limitMs`. */
  end(limitMs: number): Promise<void>;
}

export function createRunner({ db, queue, kinds, log, apart }: RunnerOptions): Runner {
  /** By the task, until its row is left: what comes meanwhile for the same is answered as it is. */
  const tries = new Map<number, Promise<void>>();
  const under = new Set<Promise<void>>();
  const ending = new AbortController();
  /** Starts that this process has seen to an end which the database may not know of: they killed nobody. */
  const survived = new BoundedMap<number, number>(MAX_SURVIVED);

  async function run({ id, kind: name }: Message): Promise<void> {
    const kind = kinds.get(name) as Kind;
    const claimed = { id, version: versionOf(kind), survived: survived.get(id) ?? 0, place: queue.place };
    const started = await claim(db, claimed);
    if (!started) return putOff({ id, kind: name }, kind);
    survived.set(id, started.run);
    const ended = await attempt(kind, started);
    await settle(kind, started, ended).catch((error) => {
      if (!(error instanceof Superseded)) throw error;
    });
    survived.delete(id);
  }

  /** What is not to be started is over, or for a later release's workers. */
  async function putOff(message: Message, kind: Kind): Promise<void> {
    if (!(await isOfLater(db, message.id, versionOf(kind)))) return;
    tries.delete(message.id);
    await queue.send([message], LATER_MS);
  }

  async function attempt(kind: Kind, started: Started): Promise<Ending> {
    if (started.deaths > attemptsOf(kind)) return { failed: 'Its process ended in the middle of it' };
    if (started.deaths === 0) return tryTask({ db, kind, started, ending: ending.signal });
    return unlessAborted(ending.signal, apart(kind, started)).catch((error) => {
      if (ending.signal.aborted) return 'handed back';
      throw error;
    });
  }

  async function settle(kind: Kind, started: Started, ended: Ending): Promise<void> {
    const about = { task_id: started.id, kind: kind.name, attempt: started.attempts };
    const attempts = started.attempts - 1;
    if (ended === 'handed back') {
      await leave(started, { status: 'pending', attempts, sent_to: null });
      return log.info(about, 'task handed back');
    }
    if (ended === 'put off') return again(kind, started, LATER_MS, { attempts });
    if (ended === 'done') return log.info(about, 'task done');
    if (ended === 'superseded') return log.info(about, 'task was taken over');
    if ('refused' in ended) {
      await leave(started, { status: 'failed', error: ended.refused, finished_at: db.fn.now() });
      return log.info({ ...about, reason: ended.refused }, 'task cannot be done');
    }
    await failed(kind, started, ended.failed);
    log.warn({ ...about, reason: ended.failed }, 'task failed');
  }

  /** Tries it again later, or parks it. */
  async function failed(kind: Kind, started: Started, failure: string): Promise<void> {
    const times = Math.max(started.attempts, started.deaths);
    if (times < attemptsOf(kind)) return again(kind, started, delayOf(started.attempts), { failure });
    const error = `Given up after ${times} failed ${times === 1 ? 'attempt' : 'attempts'}`;
    const over = { finished_at: db.fn.now(), parked_at: db.fn.now() };
    await leave(started, { status: 'failed', failure, error, ...over });
    await queue.park({ id: started.id, kind: kind.name });
  }

  /** The row comes first: while the broker has not confirmed the next message, this one is not answered. */
  async function again(kind: Kind, started: Started, delayMs: DelayMs, changes: Changes): Promise<void> {
    const due_at = db.raw(`now() + ? * interval '1 ms'`, [delayMs]);
    await leave(started, { ...changes, status: 'pending', due_at });
    await queue.send([{ id: started.id, kind: kind.name }], delayMs);
  }

  /** The next message of it may come before the broker has confirmed it: that one is to be taken anew. */
  async function leave(start: Start, changes: Changes): Promise<void> {
    await change(db, start, changes);
    tries.delete(start.id);
  }

  return {
    take(message) {
      const before = tries.get(message.id);
      if (before) return before;
      const taken = run(message).catch(async (error) => {
        log.warn({ task_id: message.id, reason: (error as Error).message }, 'task put off');
        await after(BRAKE_MS, undefined, { signal: ending.signal }).catch(() => {});
        throw error;
      });
      tries.set(message.id, taken);
      under.add(taken);
      const forget = () => {
        under.delete(taken);
        if (tries.get(message.id) === taken) tries.delete(message.id);
      };
      taken.then(forget, forget);
      return taken;
    },
    async end(limitMs) {
      const all = Promise.allSettled(under);
      await Promise.race([all, after(limitMs, undefined, { ref: false })]);
      ending.abort(new Error('the worker has to end'));
      await all;
    },
  };
}

function delayOf(attempts: number): DelayMs {
  return DELAYS_MS[Math.min(attempts, DELAYS_MS.length) - 1] as DelayMs;
}
