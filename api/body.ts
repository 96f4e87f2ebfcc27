import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware, Next } from 'koa';
import { ApiError, invalid } from './errors.ts';

/** Parses JSON and form bodies up to `limit` bytes: 413 above it, 422 for any other type and for what cannot be parsed. */
export function readBody(limit: number): Middleware[] {
  const parse = bodyParser({
    jsonLimit: limit,
    formLimit: limit,
    onError(error) {
      if ((error as { status?: number }).status === 413) throw tooLarge(limit);
      throw unreadable('the body is not what its Content-Type says');
    },
  });
  return [refuseOtherTypes, parse];
}

function refuseOtherTypes(ctx: Context, next: Next): Promise<void> {
  if (ctx.request.length !== 0 && ctx.is('json', 'urlencoded') === false)
    throw unreadable('the body must be application/json');
  return next();
}

/** 413 */
export function tooLarge(limit: number): ApiError {
  return new ApiError(413, 'body_too_large', `The body is larger than ${limit} bytes`);
}

function unreadable(message: string): ApiError {
  return invalid([{ path: '', message }]);
}
