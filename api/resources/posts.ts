import Joi from 'joi';
import type { Knex } from 'knex';
import type { Caller } from '../auth.ts';
import type { Db } from '../db.ts';
import { ApiError, invalid, notFound, tookTooLong } from '../errors.ts';
import { changed, checkIfMatch, entityTag, isUnchanged } from '../etag.ts';
import { type ApiContext, PREFIX, type Route, route } from '../route.ts';
import { serializer } from '../serialize.ts';
import type { Services } from '../services.ts';
import { statement } from '../statements.ts';
import { ADA, presentUser, userShape } from '../user.ts';
import { id, pathId, text } from '../validate.ts';

interface Post {
  id: number;
  owner_id: number;
  title: string;
  content: string;
  published: boolean;
  votes: number;
  version: number;
  created_at: string;
  updated_at: string;
}

declare module 'knex/types/tables.js' {
  interface Tables {
    posts: Post;
  }
}

type PostWithOwner = Post & { owner_username: string; owner_created_at: string };

const COLUMNS = [
  'id',
  'owner_id',
  'title',
  'content',
  'published',
  'votes',
  'version',
  'created_at',
  'updated_at',
] as const;

type Draft = Pick<Post, 'title' | 'content' | 'published'>;

/** Where a page ended: enough to go on from there in either order. */
interface Cursor {
  votes: number;
  id: number;
}

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

interface Listing {
  limit: number;
  skip: number;
  sort: 'new' | 'top';
  search?: string;
  owner_id?: number;
  after?: Cursor;
}

const title = text().min(1).max(200);
const content = text().min(1).max(20_000);
const published = Joi.boolean().description('Otherwise it exists for its owner alone');

const draft = Joi.object<Draft>({
  title: title.required(),
  content: content.required(),
  published: published.default(true),
})
  .meta({ title: 'Draft' })
  .example({ title: 'Hello', content: 'First post' });

const partialDraft = Joi.object<Partial<Draft>>({ title, content, published })
  .meta({ title: 'PartialDraft' })
  .example({ published: false });

const listing = Joi.object<Listing>({
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

const postShape = Joi.object({
  id: Joi.number().integer().required(),
  title: Joi.string().required(),
  content: Joi.string().required(),
  published: Joi.boolean().required(),
  created_at: Joi.date().iso().required(),
  updated_at: Joi.date().iso().required(),
  owner_id: Joi.number().integer().required(),
  owner: userShape.required(),
  votes: Joi.number().integer().required(),
})
  .meta({ title: 'Post' })
  .example({
    id: 12,
    title: 'Hello',
    content: 'First post',
    published: true,
    created_at: '2026-11-21T09:47:18.880Z',
    updated_at: '2026-11-21T09:47:18.880Z',
    owner_id: ADA.id,
    owner: ADA,
    votes: 3,
  });

/** What the index of titles is made of: https://www.postgresql.org/docs/current/pgtrgm.html */
const TRIGRAM = 3;
const TOO_SHORT = `search takes too long; give it ${TRIGRAM} characters or more`;
const TOO_FAR = 'skip takes too long; follow the Link header instead';

const serializePost = serializer(postShape);

/** Posts: read by all who are signed in, written by their owners. */
export function posts({ db }: Services): Route[] {
  return [
    route('GET /posts', {
      operationId: 'listPosts',
      summary: 'List posts',
      query: listing,
      success: [200, Joi.array().items(postShape)],
      headers: ['Link'],
      async handle(ctx, { query }) {
        const found = await listPosts(db, ctx.state.caller, query);
        const page = found.slice(0, query.limit);
        const last = page.at(-1);
        if (last && found.length > page.length) ctx.set('Link', nextLink(ctx, last));
        ctx.body = page.map(presentPost);
      },
    }),

    route('POST /posts', {
      operationId: 'createPost',
      summary: 'Write a post',
      body: draft,
      success: [201, postShape],
      headers: ['Location', 'ETag'],
      async handle(ctx, { body }) {
        const { caller } = ctx.state;
        const [post] = await db('posts')
          .insert({ ...body, owner_id: caller.id })
          .returning('*');
        ctx.set('Location', `${PREFIX}/posts/${post?.id}`);
        answerPost(ctx, withOwner(post as Post, caller));
      },
    }),

    route('GET /posts/:id', {
      operationId: 'readPost',
      summary: 'Read a post',
      precondition: 'If-None-Match',
      success: [200, postShape],
      headers: ['ETag'],
      errors: [notFound('post')],
      async handle(ctx) {
        answerPost(ctx, await findPost(db, ctx));
        if (isUnchanged(ctx.get('If-None-Match'), ctx.response.get('ETag'))) ctx.status = 304;
      },
    }),

    route('PUT /posts/:id', {
      operationId: 'replacePost',
      summary: 'Replace a post',
      body: draft,
      precondition: 'If-Match',
      success: [200, postShape],
      headers: ['ETag'],
      errors: [notFound('post'), notOwner()],
      async handle(ctx, { body }) {
        answerPost(ctx, await changePost(db, ctx, body));
      },
    }),

    route('PATCH /posts/:id', {
      operationId: 'changePost',
      summary: 'Change a post',
      body: partialDraft,
      precondition: 'If-Match',
      success: [200, postShape],
      headers: ['ETag'],
      errors: [notFound('post'), notOwner()],
      async handle(ctx, { body }) {
        answerPost(ctx, await changePost(db, ctx, body));
      },
    }),

    route('DELETE /posts/:id', {
      operationId: 'deletePost',
      summary: 'Delete a post',
      success: [204],
      errors: [notFound('post'), notOwner()],
      async handle(ctx) {
        const { id } = await findOwnPost(db, ctx);
        await db('posts').where({ id }).delete();
      },
    }),
  ];
}

/** Posts that the caller may know of. */
function visiblePosts(db: Db, caller: Knex.Raw) {
  return db('posts')
    .whereRaw('(published or owner_id = ?)', [caller])
    .select(...COLUMNS);
}

/** Each of these posts with its owner: what they skip needs none. */
function withOwners(db: Db, posts: Knex.QueryBuilder) {
  return db
    .from(posts.as('posts'))
    .join('users', 'users.id', 'posts.owner_id')
    .select('posts.*', 'users.username as owner_username', 'users.created_at as owner_created_at');
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

const selectPost = statement<{ id: number; caller: number }, PostWithOwner>({
  name: 'post',
  build: (db, { id, caller }) => withOwners(db, visiblePosts(db, caller).where({ id })),
});

/** More than a page, if there are more. */
function listPosts(db: Db, caller: Caller, { limit, skip, sort, search, owner_id, after }: Listing) {
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

async function findPost(db: Db, ctx: ApiContext): Promise<PostWithOwner> {
  const [post] = await selectPost(db, { id: pathId(ctx.params.id), caller: ctx.state.caller.id });
  if (!post) throw notFound('post');
  return post;
}

async function findOwnPost(db: Db, ctx: ApiContext): Promise<PostWithOwner> {
  const post = await findPost(db, ctx);
  if (post.owner_id !== ctx.state.caller.id) throw notOwner();
  return post;
}

function notOwner(): ApiError {
  return new ApiError(403, 'not_owner', 'Only its owner may change a post');
}

async function changePost(db: Db, ctx: ApiContext, changes: Partial<Draft>): Promise<PostWithOwner> {
  const { id, version } = await findOwnPost(db, ctx);
  const conditional = checkIfMatch(ctx.get('If-Match'), version);
  const [post] = await db('posts')
    .where({ id, ...(conditional && { version }) })
    .update({ ...changes, version: db.raw('version + 1'), updated_at: db.fn.now() })
    .returning('*');
  if (!post) throw conditional ? changed() : notFound('post');
  return withOwner(post, ctx.state.caller);
}

function withOwner(post: Post, owner: Caller): PostWithOwner {
  return { ...post, owner_username: owner.username, owner_created_at: owner.created_at };
}

function answerPost(ctx: ApiContext, post: PostWithOwner): void {
  const body = serializePost(presentPost(post));
  ctx.set('ETag', entityTag(post.version, body));
  ctx.type = 'json';
  ctx.body = body;
}

function presentPost(post: PostWithOwner) {
  const { id, title, content, published, created_at, updated_at, owner_id, votes } = post;
  const owner = presentUser({
    id: owner_id,
    username: post.owner_username,
    created_at: post.owner_created_at,
  });
  return { id, title, content, published, created_at, updated_at, owner_id, owner, votes };
}

/** The same query, going on after the last post. */
function nextLink(ctx: ApiContext, last: Post): string {
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
