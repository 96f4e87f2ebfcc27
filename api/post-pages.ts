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
  /** In this range of ids and newer ones alone. */
  from_range: number | undefined;
}

/** Ids in a range, as a power of two: the index of titles knows of each in which one it is. */
const RANGE_BITS = 16;

/** How many ranges are searched before all are, from the newest down: two in three searches of `scripts/bench/growth.ts` end there. */
const NEWEST_RANGES = [1, 4, 16];

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
  build(db, { caller, pattern, owner_id, after_id, after_votes, from_range, skip }, { sort, limit }) {
    const order = sort === 'top' ? 'votes desc, id desc' : 'id desc';
    const page = visiblePosts(db, caller).orderByRaw(order).limit(limit, { skipBinding: true });
    if (pattern) page.where('title', 'ilike', pattern);
    if (owner_id) page.where({ owner_id });
    if (after_votes && after_id) page.whereRaw('(votes, id) < (?, ?)', [after_votes, after_id]);
    else if (after_id) page.where('id', '<', after_id);
    // The primary key knows of ids alone, and the index of titles of ranges.
    if (from_range)
      page.whereRaw(`id >> ${RANGE_BITS} >= ? and id >= ?::integer << ${RANGE_BITS}`, [
        from_range,
        from_range,
      ]);
    if (skip) page.offset(skip);
    return withOwners(db, page).orderByRaw(order.replaceAll(/(votes|id)/g, 'posts.$1'));
  },
});

const selectNewest = statement<object, { id: number }>({
  name: 'newest_post',
  build: (db) => db('posts').orderBy('id', 'desc').limit(1).select('id'),
});

/** More than a page, if there are more. */
export async function listPosts(
  db: Db,
  caller: Caller,
  { limit, skip, sort, search = '', owner_id, after }: Listing,
): Promise<PostWithOwner[]> {
  const page = {
    caller: caller.id,
    sort,
    limit: READ.find((rows) => rows > limit) as number,
    skip: skip || undefined,
    pattern: search ? `%${escapeLike(search)}%` : undefined,
    owner_id,
    after_id: after?.id,
    after_votes: sort === 'top' ? after?.votes : undefined,
    from_range: undefined,
  };
  // Three characters are in so many titles that a page of them is found along the primary key.
  const byRanges = search.length > TRIGRAM && sort === 'new' && owner_id === undefined;
  try {
    return await (byRanges ? searchNewestFirst(db, page) : selectPage(db, page));
  } catch (error) {
    const unbounded = [
      ...(search && search.length < TRIGRAM ? [{ path: 'search', message: TOO_SHORT }] : []),
      ...(skip > 0 ? [{ path: 'skip', message: TOO_FAR }] : []),
    ];
    throw tookTooLong(error) && unbounded.length > 0 ? invalid(unbounded) : error;
  }
}

/** Finds what one query of all posts would, and reads the long lists of common trigrams no further than it has to. */
async function searchNewestFirst(db: Db, page: Page): Promise<PostWithOwner[]> {
  const newest = page.after_id ?? (await selectNewest(db, {}))[0]?.id ?? 0;
  for (const ranges of NEWEST_RANGES) {
    const from_range = (newest >> RANGE_BITS) - ranges + 1;
    if (from_range <= 0) break;
    const found = await selectPage(db, { ...page, from_range });
    if (found.length === page.limit) return found;
  }
  return selectPage(db, page);
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
