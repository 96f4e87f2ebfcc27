import Joi from 'joi';
import type { Caller } from '../auth.ts';
import type { Db } from '../db.ts';
import { ApiError, notFound } from '../errors.ts';
import { changed, checkIfMatch, entityTag, isUnchanged } from '../etag.ts';
import { type ApiContext, PREFIX, type Route, route } from '../route.ts';
import type { Services } from '../services.ts';
import { presentUser, userShape } from '../user.ts';
import { id, pathId, text } from '../validate.ts';

interface Post {
  id: number;
  owner_id: number;
  title: string;
  content: string;
  published: boolean;
  votes: number;
  version: number;
  created_at: Date;
  updated_at: Date;
}

declare module 'knex/types/tables.js' {
  interface Tables {
    posts: Post;
  }
}

type PostWithOwner = Post & { owner_username: string; owner_created_at: Date };

type Draft = Pick<Post, 'title' | 'content' | 'published'>;

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

const title = text().min(1).max(200);
const content = text().min(1).max(20_000);
const published = Joi.boolean();

const draft = Joi.object<Draft>({
  title: title.required(),
  content: content.required(),
  published: published.default(true),
});

const partialDraft = Joi.object<Partial<Draft>>({ title, content, published });

const listing = Joi.object<Listing>({
  limit: Joi.number().integer().min(1).max(100).default(10),
  skip: Joi.number().integer().min(0).max(10_000).default(0),
  sort: Joi.string().valid('new', 'top').default('new'),
  search: text().allow(''),
  owner_id: id(),
  after: Joi.string()
    .custom((value, { error }) => parseCursor(value) ?? error('cursor'))
    .messages({ cursor: '{{#label}} must come from a Link header' }),
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
});

/** Posts: read by all who are signed in, written by their owners. */
export function posts({ db }: Services): Route[] {
  return [
    route('GET /posts', {
      summary: 'List posts',
      query: listing,
      success: [200, Joi.array().items(postShape)],
      async handle(ctx, { query }) {
        const found = await listPosts(db, ctx.state.caller, query);
        const page = found.slice(0, query.limit);
        const last = page.at(-1);
        if (last && found.length > page.length) ctx.set('Link', nextLink(ctx, last));
        ctx.body = page.map(presentPost);
      },
    }),

    route('POST /posts', {
      summary: 'Write a post',
      body: draft,
      success: [201, postShape],
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
      summary: 'Read a post',
      success: [200, postShape],
      errors: [304, 404],
      async handle(ctx) {
        answerPost(ctx, await findPost(db, ctx));
        if (isUnchanged(ctx.get('If-None-Match'), ctx.response.get('ETag'))) ctx.status = 304;
      },
    }),

    route('PUT /posts/:id', {
      summary: 'Replace a post',
      body: draft,
      success: [200, postShape],
      errors: [403, 404, 412],
      async handle(ctx, { body }) {
        answerPost(ctx, await changePost(db, ctx, body));
      },
    }),

    route('PATCH /posts/:id', {
      summary: 'Change a post',
      body: partialDraft,
      success: [200, postShape],
      errors: [403, 404, 412],
      async handle(ctx, { body }) {
        answerPost(ctx, await changePost(db, ctx, body));
      },
    }),

    route('DELETE /posts/:id', {
      summary: 'Delete a post',
      success: [204],
      errors: [403, 404],
      async handle(ctx) {
        const { id } = await findOwnPost(db, ctx);
        await db('posts').where({ id }).delete();
      },
    }),
  ];
}

/** Posts that the caller may know of, each with its owner. */
function visiblePosts(db: Db, caller: Caller) {
  return db('posts')
    .join('users', 'users.id', 'posts.owner_id')
    .where((visible) => visible.where('posts.published', true).orWhere('posts.owner_id', caller.id))
    .select<PostWithOwner[]>(
      'posts.*',
      'users.username as owner_username',
      'users.created_at as owner_created_at',
    );
}

/** One more than a page, to know whether there is a next. Both orders run along an index. */
function listPosts(db: Db, caller: Caller, { limit, skip, sort, search, owner_id, after }: Listing) {
  const query = visiblePosts(db, caller);
  if (search) query.whereILike('posts.title', `%${escapeLike(search)}%`);
  if (owner_id) query.where('posts.owner_id', owner_id);
  if (sort === 'top') {
    query.orderBy('posts.votes', 'desc');
    if (after) query.whereRaw('(posts.votes, posts.id) < (?, ?)', [after.votes, after.id]);
  } else if (after) {
    query.where('posts.id', '<', after.id);
  }
  return query
    .orderBy('posts.id', 'desc')
    .offset(skip)
    .limit(limit + 1);
}

async function findPost(db: Db, ctx: ApiContext): Promise<PostWithOwner> {
  const post = await visiblePosts(db, ctx.state.caller).where('posts.id', pathId(ctx.params.id)).first();
  if (!post) throw notFound('post');
  return post;
}

async function findOwnPost(db: Db, ctx: ApiContext): Promise<PostWithOwner> {
  const post = await findPost(db, ctx);
  if (post.owner_id !== ctx.state.caller.id) {
    throw new ApiError(403, 'not_owner', 'Only its owner may change a post');
  }
  return post;
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
  const body = presentPost(post);
  ctx.set('ETag', entityTag(post.version, body));
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
