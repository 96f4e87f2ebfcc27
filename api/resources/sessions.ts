import { randomUUID } from 'node:crypto';
import Joi from 'joi';
import type { Context } from 'koa';
import type { Db } from '../db.ts';
import { ApiError } from '../errors.ts';
import { tooManyRequests } from '../limits.ts';
import { type Route, route } from '../route.ts';
import type { Services } from '../services.ts';
import { digest, newRefreshSecret, signAccessToken } from '../tokens.ts';
import { text } from '../validate.ts';

/** One sign-in: the family of refresh tokens that follow one another, of which only the newest counts. */
interface Session {
  id: string;
  user_id: number;
  token_version: number;
  refresh_digest: Buffer;
  expires_at: Date;
}

declare module 'knex/types/tables.js' {
  interface Tables {
    sessions: Session;
  }
}

interface Credentials {
  /** The e-mail, under the name that OAuth 2 gives it. */
  username: string;
  password: string;
}

interface Account {
  id: number;
  token_version: number;
}

const credentials = Joi.object<Credentials>({
  username: text().max(254).required().description('The e-mail, under the name that OAuth 2 gives it'),
  password: text().max(72, 'utf8').required(),
})
  .meta({ title: 'Credentials' })
  .example({ username: 'ada@example.org', password: 'correct horse battery' });

/** Of the document's examples. */
const REFRESH_TOKEN = '0b9f5a2e-6f0d-4c3a-9d55-0c6a1b1f7a44.c2VjcmV0';

const refreshing = Joi.object<{ refresh_token: string }>({
  refresh_token: text().max(200).required(),
})
  .meta({ title: 'RefreshToken' })
  .example({ refresh_token: REFRESH_TOKEN });

const tokensShape = Joi.object({
  access_token: Joi.string().required(),
  token_type: Joi.string().valid('bearer').required(),
  expires_in: Joi.number().integer().required().description('Seconds that the access token is good for'),
  refresh_token: Joi.string().required().description('Good for one exchange'),
})
  .meta({ title: 'Tokens' })
  .example({
    access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjEifQ.eyJzdWIiOiI3In0.c2lnbmF0dXJl',
    token_type: 'bearer',
    expires_in: 1800,
    refresh_token: REFRESH_TOKEN,
  });

/** Signing in, staying so, and signing out. */
export function sessions({ db, config, limits, passwords }: Services): Route[] {
  return [
    route('POST /login', {
      operationId: 'signIn',
      summary: 'Sign in, by the OAuth 2 password flow',
      public: true,
      body: credentials,
      success: [200, tokensShape],
      errors: [wrongCredentials(), tooManyRequests(30)],
      async handle(ctx, { body }) {
        const user = await findAccount(db, body.username);
        // By id: whatever PostgreSQL takes for the same letters in an e-mail is the same account.
        await limits.login(ctx.ip, user?.id ?? body.username);
        const proven = await passwords.matches(body.password, user?.password_hash);
        if (!user || !proven) throw wrongCredentials();
        answerTokens(ctx, user, await openSession(db, user, config.refreshTokenSeconds));
      },
    }),

    route('POST /token/refresh', {
      operationId: 'refresh',
      summary: 'Exchange a refresh token for the next',
      public: true,
      body: refreshing,
      success: [200, tokensShape],
      errors: [refusedToken()],
      async handle(ctx, { body }) {
        const { user, refreshToken } = await rotate(db, body.refresh_token, config.refreshTokenSeconds);
        answerTokens(ctx, user, refreshToken);
      },
    }),

    route('POST /logout', {
      operationId: 'signOut',
      summary: 'Sign out',
      public: true,
      body: refreshing,
      success: [204],
      errors: [refusedToken()],
      async handle(_ctx, { body }) {
        await closeSession(db, body.refresh_token);
      },
    }),
  ];

  function answerTokens(ctx: Pick<Context, 'set' | 'body'>, user: Account, refreshToken: string): void {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = {
      access_token: signAccessToken(user, config.jwtKeys, config.accessTokenSeconds),
      token_type: 'bearer',
      expires_in: config.accessTokenSeconds,
      refresh_token: refreshToken,
    };
  }
}

function findAccount(db: Db, email: string) {
  return db('users')
    .whereRaw('lower(email) = lower(?)', [email])
    .first('id', 'token_version', 'password_hash');
}

/** Also clears away the user's sessions that have ended, so that they do not pile up. */
async function openSession(db: Db, user: Account, lifetimeSeconds: number): Promise<string> {
  await db('sessions').where({ user_id: user.id }).where('expires_at', '<', db.fn.now()).delete();
  const id = randomUUID();
  const secret = newRefreshSecret();
  await db('sessions').insert({
    id,
    user_id: user.id,
    token_version: user.token_version,
    refresh_digest: digest(secret),
    expires_at: inSeconds(lifetimeSeconds),
  });
  return `${id}.${secret}`;
}

/**
 * Exchanges the newest token of a session for the next. The one statement finds, compares and replaces, so that of two
 * requests with one token only one succeeds; whoever brings any other token of the session ends it, thief or not.
 */
async function rotate(db: Db, token: string, lifetimeSeconds: number) {
  const { id, secret } = parseRefreshToken(token);
  const next = newRefreshSecret();
  const { rows } = await db.raw<{ rows: Account[] }>(
    `update sessions
        set refresh_digest = ?, expires_at = ?
       from users
      where sessions.id = ? and refresh_digest = ? and expires_at > now()
        and users.id = sessions.user_id and users.token_version = sessions.token_version
  returning users.id, users.token_version`,
    [digest(next), inSeconds(lifetimeSeconds), id, digest(secret)],
  );
  const [user] = rows;
  if (user) return { user, refreshToken: `${id}.${next}` };
  await db('sessions').where({ id }).delete();
  throw refusedToken();
}

/** Ends the session whichever of its tokens is brought; only the newest is thanked. */
async function closeSession(db: Db, token: string): Promise<void> {
  const { id, secret } = parseRefreshToken(token);
  const [session] = await db('sessions').where({ id }).delete().returning('refresh_digest');
  if (!session?.refresh_digest.equals(digest(secret))) throw refusedToken();
}

function parseRefreshToken(token: string): { id: string; secret: string } {
  const [, id, secret] = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(.+)$/.exec(token) ?? [];
  if (!id || !secret) throw refusedToken();
  return { id, secret };
}

function wrongCredentials(): ApiError {
  return refused('Wrong e-mail or password');
}

function refusedToken(): ApiError {
  return refused('The refresh token is unknown, used or expired');
}

function refused(message: string): ApiError {
  return new ApiError(401, 'unauthorized', message, { headers: { 'WWW-Authenticate': 'Bearer' } });
}

function inSeconds(seconds: number): Date {
  return new Date(Date.now() + seconds * 1000);
}
