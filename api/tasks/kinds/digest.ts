import Joi from 'joi';
import { defineKind } from '../kind.ts';

interface Period {
  starts_on?: string;
  days: number;
}

/** How many posts a digest has: the same period comes to the same, whoever asks. */
const SIZE = 10;

const DAY_MS = 86_400_000;

/** `2026-11-21`, as long as there is such a day and it has begun. */
const day = () =>
  Joi.string()
    .custom((value, { error }) => (isDay(value) ? value : error('day')))
    .messages({ day: '{{#label}} must be a day, as 2026-11-21, and not one to come' });

/** The most voted for among the posts of a period, kept for all to read. The same period anew replaces what it had. */
export const kind = defineKind({
  name: 'digest',
  description:
    'the most voted for among the posts of some days, kept at `/digests`; `result` has its `digest_id` and how many `posts` it has',
  payload: Joi.object<Period>({
    starts_on: day()
      .description('Its first day, in UTC; the days that ended last night if it is not said')
      .example('2026-11-14'),
    days: Joi.number().integer().min(1).max(366).default(7),
  }).meta({ title: 'DigestPayload' }),
  concurrency: 2,
  async run({ db, payload: { days, starts_on = dayOf(Date.now() - days * DAY_MS) } }) {
    const best = await db('posts')
      .where({ published: true })
      .whereRaw("created_at >= ?::date::timestamp at time zone 'UTC'", [starts_on])
      .whereRaw("created_at < (?::date + ?::integer)::timestamp at time zone 'UTC'", [starts_on, days])
      .orderByRaw('votes desc, id desc')
      .limit(SIZE)
      .select('id', 'votes');
    const posts = JSON.stringify(best);
    return async (transaction) => {
      const [row] = await transaction('digests')
        .insert({ starts_on, days, posts })
        .onConflict(['starts_on', 'days'])
        .merge({ posts, created_at: transaction.fn.now() })
        .returning('id');
      return { digest_id: row?.id as number, posts: best.length };
    };
  },
});

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  // The year 0000 is one to JavaScript and none to PostgreSQL.
  return time >= Date.parse('0001-01-01') && time <= Date.now() && dayOf(time) === text;
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
