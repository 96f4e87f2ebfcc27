import Joi from 'joi';
import type { Context, Middleware, Next } from 'koa';
import koaJwt from 'koa-jwt';
import type { JwtKey } from './config.ts';
import type { Db } from './db.ts';
import { unauthorized } from './errors.ts';
import { type AccessClaims, ALGORITHM, secretOf } from './tokens.ts';
import { MAX_INTEGER, pathId } from './validate.ts';

/** The signed-in user, as read for this request. */
export interface Caller {
  id: number;
  email: string;
  username: string;
  created_at: Date;
}

const claims = Joi.object<AccessClaims>({
  sub: Joi.string().required(),
  ver: Joi.number().integer().max(MAX_INTEGER).required(),
})
  .unknown()
  .required();

/** Lets signed-in callers pass and puts them in `ctx.state.caller`; 401 for all others. */
export function authenticate(db: Db, keys: JwtKey[]): Middleware[] {
  const verify = koaJwt({
    algorithms: [ALGORITHM],
    key: 'claims',
    secret: async (header: { kid?: unknown }) => secretOf(header.kid, keys),
    passthrough: true,
  });
  return [verify, standing(db)];
}

/** Asked each request: a signature says nothing about an account deleted or a password changed since. */
function standing(db: Db): Middleware {
  return async (ctx: Context, next: Next) => {
    const { value, error } = claims.validate(ctx.state.claims);
    if (error) throw unauthorized(ctx.state.jwtOriginalError ?? error);
    const caller = await db('users')
      .where({ id: pathId(value.sub), token_version: value.ver })
      .first('id', 'email', 'username', 'created_at');
    if (!caller) throw unauthorized();
    ctx.state.caller = caller;
    await next();
  };
}
