import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import jwt from 'jsonwebtoken';
import pg from 'pg';

/**
 * The least that answers `GET /api/posts?limit=10` and `GET /api/posts/{id}` as the API does: `node:http` and `pg`, the same
 * statements, the same bytes, the same check of the token. What a framework costs is measured from here.
 */
const [, kid = '', secret = ''] = /^([^:]+):([^,]+)/.exec(process.env.JWT_KEYS ?? '') ?? [];
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const release = process.env.RELEASE ?? 'dev';

const STANDING = `select "id", "email", "username", "created_at" from "users" where "id" = $1 and "token_version" = $2`;
const VISIBLE = `select "id", "owner_id", "title", "content", "published", "votes", "version", "created_at", "updated_at"
  from "posts" where (published or owner_id = $1)`;
const withOwners = (posts: string) =>
  `select "posts".*, "users"."username" as "owner_username", "users"."created_at" as "owner_created_at"
     from (${posts}) as "posts" inner join "users" on "users"."id" = "posts"."owner_id"`;
const ONE = withOwners(`${VISIBLE} and "id" = $2`);
const LIST = `${withOwners(`${VISIBLE} order by id desc limit 11`)} order by posts.id desc`;

interface Claims {
  sub: string;
  ver: number;
  exp: number;
}

const verified = new Map<string, Claims>();

/** A signature is checked once; when it ends, and whether its owner is still one, is asked each time. */
function claimsOf(authorization: string): Claims {
  const token = authorization.slice('Bearer '.length);
  let claims = verified.get(token);
  if (!claims) {
    const decoded = jwt.decode(token, { complete: true });
    if (decoded?.header.kid !== kid) throw new Error('unknown key');
    claims = jwt.verify(token, secret, { algorithms: ['HS256'] }) as unknown as Claims;
    verified.set(token, claims);
  }
  if (claims.exp * 1000 <= Date.now()) throw new Error('expired');
  return claims;
}

// biome-ignore lint/suspicious/noExplicitAny: rows are what the statement says.
async function query(name: string, text: string, values: unknown[]): Promise<any[]> {
  return (await pool.query({ name, text, values })).rows;
}

// biome-ignore lint/suspicious/noExplicitAny: as above.
function present(row: any) {
  return {
    id: row.id,
    title: row.title,
    content: row.content,
    published: row.published,
    created_at: row.created_at,
    updated_at: row.updated_at,
    owner_id: row.owner_id,
    owner: { id: row.owner_id, username: row.owner_username, created_at: row.owner_created_at },
    votes: row.votes,
  };
}

async function list(caller: number, parameters: URLSearchParams, response: ServerResponse) {
  const limit = 10;
  const rows = await query('list', LIST, [caller]);
  const last = rows[limit - 1];
  if (rows.length > limit) {
    parameters.set('after', `${last.votes}.${last.id}`);
    response.setHeader('Link', `</api/posts?${parameters}>; rel="next"`);
  }
  return JSON.stringify(rows.slice(0, limit).map(present));
}

async function one(caller: number, id: number, response: ServerResponse) {
  const [row] = await query('one', ONE, [caller, id]);
  const body = JSON.stringify(present(row));
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 16);
  response.setHeader('ETag', `"${row.version}.${digest}"`);
  return body;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const claims = claimsOf(request.headers.authorization ?? '');
  const [caller] = await query('standing', STANDING, [Number(claims.sub), claims.ver]);
  if (!caller) throw new Error('no such user');
  const [path = '', search = ''] = (request.url ?? '').split('?');
  const body =
    path === '/api/posts'
      ? await list(caller.id, new URLSearchParams(search), response)
      : await one(caller.id, Number(path.slice('/api/posts/'.length)), response);
  response.setHeader('X-Request-Id', request.headers['x-request-id'] ?? randomUUID());
  response.setHeader('X-Release', release);
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(body);
}

createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  answer(request, response).catch((error: Error) => {
    response.statusCode = 500;
    response.end(error.message);
  });
}).listen(process.env.PORT);
