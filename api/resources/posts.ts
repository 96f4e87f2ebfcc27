import Joi from 'joi';
import type { Caller } from '../auth.ts';
import type { Db } from '../db.ts';
import { ApiError, notFound } from '../errors.ts';
import { changed, checkIfMatch, entityTag, isUnchanged } from '../etag.ts';
import { type Post, type PostWithOwner, postShape, presentPost, visiblePosts, withOwners } from '../post.ts';
import { listing, listPosts, nextLink } from '../post-pages.ts';
import { type ApiContext, PREFIX, type Route, route } from '../route.ts';
import { serializer } from '../serialize.ts';
import type { Services } from '../services.ts';
import { statement } from '../statements.ts';
import { pathId, text } from '../validate.ts';

type Draft = Pick<Post, 'title' | 'content' | 'published'>;

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

const selectPost = statement<{ id: number; caller: number }, PostWithOwner>({
  name: 'post',
  build: (db, { id, caller }) => withOwners(db, visiblePosts(db, caller).where({ id })),
});

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
