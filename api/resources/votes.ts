import Joi from 'joi';
import type { Db } from '../db.ts';
import { ApiError, notFound } from '../errors.ts';
import { type Route, route } from '../route.ts';
import type { Services } from '../services.ts';
import { id } from '../validate.ts';

interface Vote {
  post_id: number;
  user_id: number;
}

declare module 'knex/types/tables.js' {
  interface Tables {
    votes: Vote;
  }
}

interface Ballot {
  post_id: number;
  dir: 0 | 1;
}

const ballot = Joi.object<Ballot>({
  post_id: id().required(),
  dir: Joi.number().valid(0, 1).required(),
});

const countShape = Joi.object({
  post_id: Joi.number().integer().required(),
  dir: Joi.number().valid(0, 1).required(),
  votes: Joi.number().integer().required(),
});

/** One vote a user a post, given and taken back. */
export function votes({ db }: Services): Route[] {
  return [
    route('POST /vote', {
      summary: 'Vote for a post (dir 1) or take the vote back (dir 0)',
      body: ballot,
      success: [201, countShape],
      errors: [404, 409],
      async handle(ctx, { body }) {
        const vote = { post_id: body.post_id, user_id: ctx.state.caller.id };
        ctx.body = {
          ...body,
          votes: body.dir === 1 ? await giveVote(db, vote) : await takeBackVote(db, vote),
        };
      },
    }),
  ];
}

function giveVote(db: Db, vote: Vote): Promise<number> {
  return db.transaction(async (trx) => {
    const votes = await lockPost(trx, vote);
    const given = await trx('votes').insert(vote).onConflict().ignore().returning('post_id');
    if (given.length === 0) throw new ApiError(409, 'already_voted', 'You have voted for this post already');
    return votes + 1;
  });
}

function takeBackVote(db: Db, vote: Vote): Promise<number> {
  return db.transaction(async (trx) => {
    const votes = await lockPost(trx, vote);
    const taken = await trx('votes').where(vote).delete();
    if (taken === 0) throw notFound('vote');
    return votes - 1;
  });
}

/**
 * Returns the post's votes and holds its row until the transaction ends, so that they stay so: the table's trigger is
 * about to change them. Locked first, and the voter before the post: deleting an account locks in that order too.
 */
async function lockPost(trx: Db, { post_id, user_id }: Vote): Promise<number> {
  await trx('users').where({ id: user_id }).forKeyShare().select('id');
  const post = await trx('posts')
    .where({ id: post_id })
    .where((visible) => visible.where({ published: true }).orWhere({ owner_id: user_id }))
    .forNoKeyUpdate()
    .first('votes');
  if (!post) throw notFound('post');
  return post.votes;
}
