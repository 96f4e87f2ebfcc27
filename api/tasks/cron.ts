import { createHash } from 'node:crypto';
import { CronExpressionParser } from 'cron-parser';
import type { Logger } from 'pino';
import type { Db } from '../db.ts';
import { type Kind, versionOf } from './kind.ts';

/** A task at set times. */
export interface Schedule {
  kind: string;
  payload: object;
  /** Five fields, as in crontab(5): minute, hour, day of the month, month, day of the week. */
  schedule: string;
  timezone: string;
  /** What to do about the times at which no worker ran: one task for all of them, or none. */
  missed: 'once' | 'skip';
}

/** So long after its time a task is not missed: workers start in between. */
const GRACE_MS = 60_000;

const DAY_MS = 86_400_000;

type Times = Pick<Schedule, 'schedule' | 'timezone'>;

/**
 * The last time after `seen` and up to `now` that a schedule names; undefined: none has come. Where it was more than a day
 * ago, a day ago stands for it.
 */
export function slotSince(times: Times, seen: Date, now: Date): Date | undefined {
  const dayAgo = new Date(now.getTime() - DAY_MS);
  let slot: Date | undefined;
  for (let next = timeAfter(times, seen); next <= now; next = timeAfter(times, slot))
    slot = next < dayAgo ? dayAgo : next;
  return slot;
}

/**
 * What is for every hour comes every hour. Of other times, one that the clock leaps over comes as much later, and of one that
 * comes twice the first counts. cron-parser has no part in that: it errs near such changes, or does not come to an end.
 */
function timeAfter({ schedule, timezone }: Times, seen: Date): Date {
  const { offset } = seen.toTemporalInstant().toZonedDateTimeISO(timezone);
  const times = CronExpressionParser.parse(schedule, { currentDate: seen, tz: `UTC${offset}` });
  for (;;) {
    const next = times.next().toDate();
    if (times.fields.hour.values.length === 24) return next;
    const local = next.toTemporalInstant().toZonedDateTimeISO(offset).toPlainDateTime();
    const { epochMilliseconds } = local.toZonedDateTime(timezone);
    if (epochMilliseconds > seen.getTime()) return new Date(epochMilliseconds);
  }
}

/** Writes tasks at set times. */
export interface Cron {
  /**
   * Writes those whose time has come, once across all processes and machines that share the database: the row of a schedule
   * holds the last time seen to. One that is seen for the first time begins with its next time. What is wrong with a schedule
   * is logged, once, and stops no other. Returns how many were written.
   */
  enqueueDue(now?: Date): Promise<number>;
}

export interface CronOptions {
  db: Db;
  schedules: Schedule[];
  kinds: ReadonlyMap<string, Kind>;
  log: Logger;
}

export function createCron({ db, schedules, kinds, log }: CronOptions): Cron {
  const entries = new Map(schedules.map((entry) => [nameOf(entry), entry]));
  const failing = new Set<string>();

  async function seeTo(name: string, entry: Schedule, seen: string | undefined, now: Date): Promise<boolean> {
    const kind = kinds.get(entry.kind);
    if (!kind) throw new Error('this release has no such kind: correct apps.<app>.cron');
    if (seen === undefined) {
      await db('schedules').insert({ name, slot: now.toISOString() }).onConflict('name').ignore();
      return false;
    }
    const slot = slotSince(entry, new Date(seen), now);
    if (!slot) return false;
    return db.transaction(async (transaction) => {
      if (!(await move(transaction, name, seen, slot))) return false;
      if (entry.missed === 'skip' && now.getTime() - slot.getTime() > GRACE_MS) return false;
      const task = { kind: entry.kind, version: versionOf(kind), payload: JSON.stringify(entry.payload) };
      await transaction('tasks').insert(task);
      return true;
    });
  }

  return {
    async enqueueDue(now = new Date()) {
      const rows = await db('schedules').whereIn('name', [...entries.keys()]);
      const seen = new Map(rows.map(({ name, slot }) => [name, slot]));
      let enqueued = 0;
      for (const [name, entry] of entries) {
        try {
          if (await seeTo(name, entry, seen.get(name), now)) enqueued += 1;
          failing.delete(name);
        } catch (error) {
          const { kind, schedule, timezone } = entry;
          const about = { kind, schedule, timezone, reason: (error as Error).message };
          if (!failing.has(name)) log.error(about, 'a schedule is not kept');
          failing.add(name);
        }
      }
      return enqueued;
    },
  };
}

/** Whether nobody else has done so in the meantime: whoever tries at the same time waits, and is told no. */
async function move(db: Db, name: string, seen: string, slot: Date): Promise<boolean> {
  const moved = await db('schedules').where({ name, slot: seen }).update({ slot: slot.toISOString() });
  return moved > 0;
}

/** What it does and when: a changed schedule is another one. */
function nameOf({ kind, payload, schedule, timezone }: Schedule): string {
  const text = JSON.stringify([kind, payload, schedule, timezone]);
  return `${kind} ${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
