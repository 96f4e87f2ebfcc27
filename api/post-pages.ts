import Joi from 'joi';
import type { Caller } from './auth.ts';
import type { Db } from './db.ts';
import { invalid, tookTooLong } from './errors.ts';
import { type PostWithOwner, visiblePosts, withOwners } from './post.ts';
import { type ApiContext, PREFIX } from './route.ts';
import { statement } from './statements.ts';
import { ADA } from './user.ts';
import { id, pathId, text } from './validate.ts';

/** Where a page ended: enough to go on from there in either order. */
interface Cursor {
  votes: number;
  id: number;
}

interface Listing {
  limit: number;
  skip: number;
  sort: 'new' | 'top';
  search?: string;
  owner_id?: number;
  after?: Cursor;
}

/** The query that asks for a page of posts. */
export const listing = Joi.object<Listing>({
  limit: Joi.number().integer().min(1).max(100).default(10),
  skip: Joi.number()
    .integer()
    .min(0)
    .max(10_000)
    .default(0)
    .description('Slower than `after` the further it goes; 422 where that takes longer than a statement may'),
  sort: Joi.string().valid('new', 'top').default('new').description('The newest or the most voted for first'),
  search: text()
    .allow('')
    .description(
      'A part of the title, in whatever case. No index finds fewer than three characters: 422 where that takes longer than a statement may',
    )
    .example('hello'),
  owner_id: id().description('Of this user alone').example(ADA.id),
  after: Joi.string()
    .custom((value, { error }) => parseCursor(value) ?? error('cursor'))
    .messages({ cursor: '{{#label}} must come from a Link header' })
    .description('Where a page ended, as its Link header says')
    .example('3.12'),
});

/** What the index of titles is made of: https://www.postgresql.org/docs/current/pgtrgm.html */
const TRIGRAM = 3;
const TOO_SHORT = `search takes too long; give it ${TRIGRAM} characters or more`;
const TOO_FAR = 'skip takes too long; follow the Link header instead';

interface Page {
  caller: number;
  sort: 'new' | 'top';
  limit: number;
  skip: number | undefined;
  /** Of LIKE. */
  pattern: string | undefined;
  owner_id: number | undefined;
  after_id: number | undefined;
  after_votes: number | undefined;
}

/**
 * How many rows a page is read by: one more than it has, to know whether there is a next, or some more. Each is a text of
 * its own to PostgreSQL, so that clients choose among a few and not among a hundred.
 */
const READ = [11, 31, 101];

/** Both orders run along an index. */
const selectPage = statement<Page, PostWithOwner>({
  name: 'posts_page',
  literal: ['sort', 'limit'],
  planned: 'pattern',
  build(db, { caller, pattern, owner_id, after_id, after_votes, skip }, { sort, limit }) {
    const order = sort === 'top' ? 'votes desc, id desc' : 'id desc';
    const page = visiblePosts(db, caller).orderByRaw(order).limit(limit, { skipBinding: true });
    if (pattern) page.where('title', 'ilike', pattern);
    if (owner_id) page.where({ owner_id });
    if (after_votes && after_id) page.whereRaw('(votes, id) < (?, ?)', [after_votes, after_id]);
    else if (after_id) page.where('id', '<', after_id);
    if (skip) page.offset(skip);
    return withOwners(db, page).orderByRaw(order.replaceAll(/(votes|id)/g, 'posts.$1'));
  },
});

/** More than a page, if there are more. */
export function listPosts(db: Db, caller: Caller, { limit, skip, sort, search, owner_id, after }: Listing) {
  return selectPage(db, {
    caller: caller.id,
    sort,
    limit: READ.find((rows) => rows > limit) as number,
    skip: skip || undefined,
    pattern: search ? `%${escapeLike(search)}%` : undefined,
    owner_id,
    after_id: after?.id,
    after_votes: sort === 'top' ? after?.votes : undefined,
  }).catch((error) => {
    const unbounded = [
      ...(search && search.length < TRIGRAM ? [{ path: 'search', message: TOO_SHORT }] : []),
      ...(skip > 0 ? [{ path: 'skip', message: TOO_FAR }] : []),
    ];
    throw tookTooLong(error) && unbounded.length > 0 ? invalid(unbounded) : error;
  });
}

/** The same query, going on after the last post. */
export function nextLink(ctx: ApiContext, last: PostWithOwner): string {
  const parameters = new URLSearchParams(ctx.querystring);
  parameters.delete('skip');
  parameters.set('after', `${last.votes}.${last.id}`);
  return `<${PREFIX}/posts?${parameters}>; rel="next"`;
}

function parseCursor(value: string): Cursor | undefined {
  const [, votes, id] = /^(\d{1,9})\.(\d{1,10})$/.exec(value) ?? [];
  return votes && pathId(id) ? { votes: Number(votes), id: pathId(id) } : undefined;
}

/** In a LIKE pattern `%`, `_` and the backslash mean something; here they are themselves. */
function escapeLike(value: string): string {
  return value.replace(/[\\%_]/g, '\\$&');
}
