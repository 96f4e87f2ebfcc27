import jwt from 'jsonwebtoken';
import type { Request } from './load.ts';
import type { Size } from './seed.ts';

/** As many as are in turn: each user's token comes again and again, and so does each post. */
const COUNT = 10_000;

/** More than are given in a run. */
const VOTES = 400_000;

/** One key, for the API and all beside it. */
export const JWT_KEY = { kid: 'bench', secret: 'b'.repeat(32) };

/** What reads, by name: the same requests for all, of users and posts that are there. */
export function readsOf(size: Size): Record<string, Request[]> {
  return {
    'GET /posts?limit=10': requestsOf(size, () => ({ method: 'GET', path: '/api/posts?limit=10' })),
    'GET /posts/{id}': requestsOf(size, (n) => ({ method: 'GET', path: `/api/posts/${postId(n, size)}` })),
  };
}

/** Votes that nearly nobody has given yet: a post and a user that come together once in all. */
export function votesOf(size: Size): Request[] {
  const vote = (n: number) => ({ post_id: postId(n, size), dir: 1 });
  return requestsOf(size, (n) => ({ method: 'POST', path: '/api/vote', body: vote(n) }), VOTES);
}

export function requestsOf(
  { users }: Size,
  of: (n: number) => Omit<Request, 'token'>,
  count = COUNT,
): Request[] {
  const tokens = Array.from({ length: users }, (_, index) => tokenOf(index + 1));
  // Another user for each round through the posts.
  return Array.from({ length: count }, (_, n) => ({
    ...of(n),
    token: tokens[(n + Math.floor(n / COUNT)) % users] as string,
  }));
}

/** A prime stride, so that neighbours in time are none in the table. */
function postId(n: number, { posts }: Size): number {
  return 1 + ((n * 7919) % posts);
}

function tokenOf(user: number): string {
  return jwt.sign({ ver: 1 }, JWT_KEY.secret, {
    algorithm: 'HS256',
    keyid: JWT_KEY.kid,
    subject: String(user),
    expiresIn: '1d',
  });
}
