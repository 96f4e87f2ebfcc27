import Joi from 'joi';
import type { Knex } from 'knex';
import type { Db } from './db.ts';
import { ADA, presentUser, userShape } from './user.ts';

export interface Post {
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

/** With its owner, as every answer has it. */
export type PostWithOwner = Post & { owner_username: string; owner_created_at: string };

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

/** What everyone may see of a post. */
export const postShape = Joi.object({
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

export function presentPost(post: PostWithOwner) {
  const { id, title, content, published, created_at, updated_at, owner_id, votes } = post;
  const owner = presentUser({
    id: owner_id,
    username: post.owner_username,
    created_at: post.owner_created_at,
  });
  return { id, title, content, published, created_at, updated_at, owner_id, owner, votes };
}

/** Posts that the caller may know of. */
export function visiblePosts(db: Db, caller: Knex.Raw) {
  return db('posts')
    .whereRaw('(published or owner_id = ?)', [caller])
    .select(...COLUMNS);
}

/** Each of these posts with its owner: what they skip needs none. */
export function withOwners(db: Db, posts: Knex.QueryBuilder) {
  return db
    .from(posts.as('posts'))
    .join('users', 'users.id', 'posts.owner_id')
    .select('posts.*', 'users.username as owner_username', 'users.created_at as owner_created_at');
}
