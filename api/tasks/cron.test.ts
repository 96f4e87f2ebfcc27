import assert from 'node:assert/strict';
import { pino } from 'pino';
import { readConfig } from '../config.ts';
import { closeDb, createDb, type Db } from '../db.ts';
import { JWT_KEYS } from '../testing/api.ts';
import { createTestDatabase } from '../testing/postgres.ts';
import { createCron, type Schedule, slotSince } from './cron.ts';
import { KINDS } from './kinds.ts';

const at = (time: string) => new Date(`2026-11-${time}Z`);

const MINUTE_MS = 60_000;

describe('a schedule', () => {
  const nightly = { schedule: '30 3 * * *', timezone: 'UTC' };
  const slots: [string, Pick<Schedule, 'schedule' | 'timezone'>, Date, Date | undefined][] = [
    ['the moment itself', nightly, at('21T03:30:00'), at('21T03:30:00')],
    ['a moment after', nightly, at('21T03:30:01'), at('21T03:30:00')],
    ['a moment before', nightly, at('21T03:29:59.999'), undefined],
    ['another zone', { ...nightly, timezone: 'Asia/Tokyo' }, at('21T12:00:00'), at('20T18:30:00')],
    [
      'every quarter of an hour',
      { ...nightly, schedule: '*/15 * * * *' },
      at('21T10:59:00'),
      at('21T10:45:00'),
    ],
    ['long ago', { ...nightly, schedule: '0 0 * * mon' }, at('28T12:00:00'), at('27T12:00:00')],
    ['long ago, and since', nightly, at('28T12:00:00'), at('28T03:30:00')],
  ];
  for (const [what, schedule, now, slot] of slots)
    it(`has its last time: ${what}`, () =>
      assert.deepEqual(slotSince(schedule, at('20T12:00:00'), now), slot));

  const changes: [timezone: string, schedule: string, times: string[]][] = [
    ['Europe/Berlin', '30 2 * * *', ['2026-10-24T00:30', '2026-10-25T00:30', '2026-10-26T01:30']],
    ['Europe/Berlin', '30 2 * * *', ['2026-03-28T01:30', '2026-03-29T01:30', '2026-03-30T00:30']],
    ['Europe/Berlin', '0 2 * * *', ['2026-03-28T01:00', '2026-03-29T01:00', '2026-03-30T00:00']],
    ['America/New_York', '30 2 * * *', ['2026-03-07T07:30', '2026-03-08T07:30', '2026-03-09T06:30']],
    ['Africa/Cairo', '0 0 * * *', ['2026-04-22T22:00', '2026-04-23T22:00', '2026-04-24T21:00']],
    ['America/Santiago', '0 0 * * *', ['2026-09-05T04:00', '2026-09-06T04:00', '2026-09-07T03:00']],
    ['America/Santiago', '30 0 * * *', ['2026-09-05T04:30', '2026-09-06T04:30', '2026-09-07T03:30']],
    ['Asia/Beirut', '0 0 * * *', ['2026-03-27T22:00', '2026-03-28T22:00', '2026-03-29T21:00']],
    ['Australia/Lord_Howe', '0 2 * * *', ['2026-04-03T15:00', '2026-04-04T15:30', '2026-04-05T15:30']],
  ];
  for (const [timezone, schedule, times] of changes)
    it(`comes once a day where the clock changes: ${schedule} in ${timezone}, ${times[1]}`, () => {
      const [first, , last] = times.map((time) => new Date(`${time}Z`)) as [Date, Date, Date];
      const found = [first];
      for (let now = first; now <= last; now = new Date(now.getTime() + 10 * MINUTE_MS)) {
        const slot = slotSince({ schedule, timezone }, found.at(-1) as Date, now);
        if (slot) found.push(slot);
      }
      assert.deepEqual(
        found.map((slot) => slot.toISOString().slice(0, 16)),
        times,
      );
    });

  it('for every hour comes every hour, also where the clock changes', () => {
    const quarterly = { schedule: '*/15 * * * *', timezone: 'Europe/Berlin' };
    for (const day of ['2026-03-29', '2026-10-25'])
      for (let seen = new Date(`${day}T00:00Z`); seen < new Date(`${day}T03:00Z`); ) {
        const next = new Date(seen.getTime() + 15 * MINUTE_MS);
        assert.deepEqual(slotSince(quarterly, seen, next), next);
        seen = next;
      }
  });

  describe('writes its tasks', () => {
    let db: Db;
    const lines: { level: number; reason: string }[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const entry: Schedule = { kind: 'digest', payload: { days: 1 }, missed: 'once', ...nightly };
    const skipping: Schedule = { ...entry, payload: { days: 2 }, missed: 'skip' };
    const written = async () => Number((await db('tasks').count({ tasks: '*' }))[0]?.tasks);
    before(async () => {
      const url = await createTestDatabase();
      db = createDb(readConfig({ DATABASE_URL: url, JWT_KEYS }).database, 'test');
    });
    after(() => closeDb(db));
    const cronOf = (schedules: Schedule[]) => createCron({ db, schedules, kinds: KINDS, log });
    const due = (schedules: Schedule[], now: Date) => cronOf(schedules).enqueueDue(now);

    it('from its next time on, not for those before it was known', async () => {
      assert.equal(await due([entry, skipping], at('21T10:00:00')), 0);
      assert.equal(await due([entry, skipping], at('22T03:29:00')), 0);
      assert.equal(await due([entry, skipping], at('22T03:30:00')), 2);
      const [task] = await db('tasks').select('owner_id', 'kind', 'payload', 'status').orderBy('id');
      assert.deepEqual(task, { owner_id: null, kind: 'digest', payload: { days: 1 }, status: 'pending' });
    });

    it('once, however many processes look at the same time', async () => {
      const before = await written();
      await Promise.all(Array.from({ length: 10 }, () => due([entry], at('23T03:30:05'))));
      assert.equal((await written()) - before, 1);
    });

    it('one for all the times that were missed, or none, as it says', async () => {
      const before = await written();
      assert.equal(await due([entry, skipping], at('27T12:00:00')), 1);
      assert.equal((await written()) - before, 1);
      assert.equal(await due([skipping], at('28T03:30:30')), 1);
    });

    it('one for a time long ago, however many processes look at much the same time', async () => {
      const weekly = { ...entry, schedule: '0 0 * * mon' };
      await due([weekly], at('01T00:00:00'));
      const moments = Array.from({ length: 10 }, (_, n) => new Date(at('28T12:00:00').getTime() + n));
      const counts = await Promise.all(moments.map((now) => due([weekly], now)));
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        1,
      );
      assert.equal(await due([weekly], at('28T12:00:01')), 0);
    });

    const faults: [string, Partial<Schedule>, RegExp][] = [
      ['of a kind that is not there', { kind: 'unknown' }, /no such kind/],
      ['whose time never comes', { schedule: '0 0 31 2 *' }, /day of month/],
      ['whose payload cannot be kept', { payload: { text: '\0' } }, /Unicode escape/],
    ];
    for (const [what, fault, reason] of faults)
      it(`beside one ${what}, which is logged once`, async () => {
        const good = { ...entry, payload: { beside: what } };
        const cron = cronOf([{ ...entry, ...fault }, good]);
        await cron.enqueueDue(at('28T03:29:00'));
        assert.equal(await cron.enqueueDue(at('28T03:30:00')), 1);
        assert.equal(await cron.enqueueDue(at('28T03:30:01')), 0);
        assert.equal(lines.length, 1);
        assert.match(lines.pop()?.reason ?? '', reason);
      });
  });
});
