import Joi from 'joi';
import { type Route, route } from '../route.ts';
import type { Services } from '../services.ts';

const digestShape = Joi.object({
  id: Joi.number().integer().required(),
  starts_on: Joi.string().required().description('Its first day, in UTC'),
  days: Joi.number().integer().required(),
  posts: Joi.array()
    .items(
      Joi.object({
        id: Joi.number().integer().required(),
        title: Joi.string().required(),
        votes: Joi.number().integer().required().description('That it had then'),
        owner_id: Joi.number().integer().required(),
      }),
    )
    .required(),
  created_at: Joi.date().iso().required(),
})
  .meta({ title: 'Digest' })
  .example({
    id: 4,
    starts_on: '2026-11-14',
    days: 7,
    posts: [{ id: 12, title: 'Hello', votes: 3, owner_id: 7 }],
    created_at: '2026-11-21T09:47:18.659Z',
  });

const listing = Joi.object<{ limit: number; days?: number }>({
  limit: Joi.number().integer().min(1).max(100).default(10),
  days: Joi.number().integer().min(1).max(366).description('Of so many days alone').example(7),
});

/** As they are now, but for their votes: without those that have been deleted or hidden since. Each is looked up by its id. */
const POSTS = `(
  select coalesce(jsonb_agg(
           jsonb_build_object('id', id, 'title', title, 'votes', votes, 'owner_id', owner_id)
           order by votes desc, id desc), '[]')
    from jsonb_to_recordset(digests.posts) as kept (id integer, votes integer),
         lateral (select title, owner_id from posts where posts.id = kept.id and published limit 1) as post
  ) as posts`;

/** What the tasks of the kind `digest` have made. */
export function digests({ db }: Services): Route[] {
  return [
    route('GET /digests', {
      operationId: 'listDigests',
      summary: 'The most voted for posts of some days, the newest first day first',
      query: listing,
      success: [200, Joi.array().items(digestShape)],
      async handle(ctx, { query: { limit, days } }) {
        ctx.body = await db('digests')
          .where(days === undefined ? {} : { days })
          .orderByRaw('digests.starts_on desc, days desc')
          .limit(limit)
          .select(
            'id',
            'days',
            'created_at',
            db.raw(POSTS),
            db.raw("to_char(starts_on, 'YYYY-MM-DD') as starts_on"),
          );
      },
    }),
  ];
}
