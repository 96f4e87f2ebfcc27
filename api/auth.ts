import Joi from 'joi';
import type { Context, Middleware, Next } from 'koa';
import koaJwt from 'koa-jwt';
import { BoundedMap } from './bounded-map.ts';
import type { JwtKey } from './config.ts';
import type { Db } from './db.ts';
import { unauthorized } from './errors.ts';
import { statement } from './statements.ts';
import { type AccessClaims, ALGORITHM, secretOf } from './tokens.ts';
import { MAX_INTEGER, pathId } from './validate.ts';

/** The signed-in user, as read for this request. */
export interface Caller {
  id: number;
  email: string;
  username: string;
  created_at: string;
}

/** What a verified token says, until when. */
interface Identity {
  id: number;
  tokenVersion: number;
  /** In seconds, as the token has it. */
  expires: number;
}

/** How far the clock that a token was signed by may be ahead of this one. */
const CLOCK_SKEW_SECONDS = 60;

const claims = Joi.object<AccessClaims & { iat: number; exp: number; aud: never; iss: never }>({
  sub: Joi.string().required(),
  ver: Joi.number().integer().max(MAX_INTEGER).required(),
  iat: Joi.number()
    .custom((value, { error }) => (value > nowSeconds() + CLOCK_SKEW_SECONDS ? error('any.invalid') : value))
    .required(),
  exp: Joi.number().required(),
  // Ours have none: one for an audience or of an issuer is for or of somebody else (RFC 7519, 4.1.3).
  aud: Joi.forbidden(),
  iss: Joi.forbidden(),
})
  .unknown()
  .required();

/** Some 5 MB, when all are taken. */
const MAX_REMEMBERED = 10_000;

const selectCaller = statement<{ id: number; token_version: number }, Caller>({
  name: 'caller',
  build: (db, { id, token_version }) =>
    db('users').where({ id, token_version }).select('id', 'email', 'username', 'created_at'),
});

/** Lets signed-in callers pass and puts them in `ctx.state.caller`; 401 for all others. */
export function authenticate(db: Db, keys: JwtKey[]): Middleware[] {
  const verify = koaJwt({
    algorithms: [ALGORITHM],
    key: 'claims',
    secret: async (header: { kid?: unknown }) => secretOf(header.kid, keys),
    passthrough: true,
  });
  return [onceAToken(verify), standing(db)];
}

/**
 * Has a token's signature checked once, and puts what it says in `ctx.state.identity`. Only tokens that were found good are
 * remembered: each by the whole header that brought it, until it expires, and in this process, whose keys never change.
 */
function onceAToken(verify: Middleware): Middleware {
  const good = new BoundedMap<string, Identity>(MAX_REMEMBERED);
  return async (ctx: Context, next: Next) => {
    const header = ctx.get('Authorization');
    const known = good.get(header);
    if (known && !isExpired(known)) {
      ctx.state.identity = known;
      return next();
    }
    good.delete(header);
    await verify(ctx, async () => {
      const identity = identityOf(ctx);
      good.set(header, identity);
      ctx.state.identity = identity;
      await next();
    });
  };
}

function identityOf({ state }: Context): Identity {
  const { value, error } = claims.validate(state.claims);
  if (error) throw unauthorized(state.jwtOriginalError ?? error);
  return { id: pathId(value.sub), tokenVersion: value.ver, expires: value.exp };
}

/** To the second, as jsonwebtoken has it. */
function isExpired({ expires }: Identity): boolean {
  return Math.floor(nowSeconds()) >= expires;
}

function nowSeconds(): number {
  return Date.now() / 1000;
}

/** Asked each request: a signature says nothing about an account deleted or a password changed since. */
function standing(db: Db): Middleware {
  return async (ctx: Context, next: Next) => {
    const { id, tokenVersion } = ctx.state.identity;
    const [caller] = await selectCaller(db, { id, token_version: tokenVersion });
    if (!caller) throw unauthorized();
    ctx.state.caller = caller;
    ctx.state.timing?.authenticated();
    await next();
  };
}
