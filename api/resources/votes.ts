import Joi from 'joi';
import type { Db } from '../db.ts';
import { ApiError, notFound, unauthorized } from '../errors.ts';
import { type Route, route } from '../route.ts';
import type { Services } from '../services.ts';
import { type Statement, statement } from '../statements.ts';
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

const dir = Joi.number().integer().valid(0, 1).description('1 gives the vote, 0 takes it back');

const ballot = Joi.object<Ballot>({
  post_id: id().required(),
  dir: dir.required(),
})
  .meta({ title: 'Ballot' })
  .example({ post_id: 12, dir: 1 });

const countShape = Joi.object({
  post_id: Joi.number().integer().required(),
  dir: dir.required(),
  votes: Joi.number().integer().required().description('That the post has now'),
})
  .meta({ title: 'VoteCount' })
  .example({ post_id: 12, dir: 1, votes: 3 });

/** One vote a user a post, given and taken back. */
export function votes({ db }: Services): Route[] {
  return [
    route('POST /vote', {
      operationId: 'vote',
      summary: 'Vote for a post, or take the vote back',
      body: ballot,
      success: [201, countShape],
      errors: [notFound('post'), notFound('vote'), alreadyVoted()],
      async handle(ctx, { body }) {
        const vote = { post_id: body.post_id, user_id: ctx.state.caller.id };
        ctx.body = {
          ...body,
          votes: await (body.dir === 1
            ? change(db, insertVote, vote, alreadyVoted())
            : change(db, deleteVote, vote, notFound('vote'))),
        };
      },
    }),
  ];
}

/**
 * Holds the post's row until the vote is counted, so that its votes stay as they are read here: the table's trigger is about
 * to change them. Locked first, and the voter before the post: deleting an account locks in that order, too.
 */
const LOCKED = `
  with voter as (select id from users where id = :user_id for key share),
       post as (select posts.id, votes from voter join posts on posts.id = :post_id
                 where published or owner_id = :user_id for no key update of posts)`;

const insertVote = statement<Vote, { votes: number }>({
  name: 'give_vote',
  build: (db, vote) =>
    db.raw(
      `${LOCKED}
       insert into votes (post_id, user_id) select id, :user_id from post
           on conflict do nothing returning (select votes + 1 from post) as votes`,
      { ...vote },
    ),
});

const deleteVote = statement<Vote, { votes: number }>({
  name: 'take_back_vote',
  build: (db, vote) =>
    db.raw(
      `${LOCKED}
       delete from votes using post where post_id = post.id and user_id = :user_id returning post.votes - 1 as votes`,
      { ...vote },
    ),
});

/** A row for the voter, with the post if it may be known of. */
const selectVisible = statement<Vote, { post_id: number | null }>({
  name: 'visible_post',
  build: (db, vote) =>
    db.raw(
      `select posts.id as post_id from users
         left join posts on posts.id = :post_id and (published or owner_id = users.id)
        where users.id = :user_id`,
      { ...vote },
    ),
});

/** The votes that the post has now; throws a 404 without such a post, and `refusal` where nothing was to change. */
async function change(
  db: Db,
  write: Statement<Vote, { votes: number }>,
  vote: Vote,
  refusal: ApiError,
): Promise<number> {
  const [changed] = await write(db, vote);
  if (changed) return changed.votes;
  const [voter] = await selectVisible(db, vote);
  // Deleted a moment ago.
  if (!voter) throw unauthorized();
  throw voter.post_id === null ? notFound('post') : refusal;
}

function alreadyVoted(): ApiError {
  return new ApiError(409, 'already_voted', 'You have voted for this post already');
}
