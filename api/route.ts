import Router, { type RouterContext } from '@koa/router';
import type Joi from 'joi';
import type { Context, DefaultState, Middleware, Next } from 'koa';
import type { Caller } from './auth.ts';
import { ApiError, notFound } from './errors.ts';
import { validate } from './validate.ts';

/** Where the API lives below its host. */
export const PREFIX = '/api';

interface State extends DefaultState {
  requestId: string;
  /** Set on every route that is not public. */
  caller: Caller;
}

/** What a handler works on. */
export type ApiContext = RouterContext<State>;

/** What the contract says of one path and method: it is checked, run, and published as OpenAPI. */
export interface Contract<Query, Body> {
  summary: string;
  /** No access token is needed. */
  public?: true;
  query?: Joi.ObjectSchema<Query>;
  body?: Joi.ObjectSchema<Body>;
  /** The status of a success, set before the handler runs, and the shape of its body if it has one. */
  success: [status: number, shape?: Joi.Schema];
  /** The statuses that its handler adds to those of the checks before it. */
  errors?: number[];
  handle(ctx: ApiContext, input: { query: Query; body: Body }): Promise<void>;
}

/** One row of the contract. */
export interface Route extends Contract<unknown, unknown> {
  method: string;
  path: string;
}

/** Declares a row, as in `route('GET /livez', { summary: 'Is it alive', success: [200], async handle(ctx) {} })`. */
export function route<Query, Body>(
  row: `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`,
  contract: Contract<Query, Body>,
): Route {
  const [method = '', path = ''] = row.split(' ');
  return { method, path, ...contract } as Route;
}

/** Mounts the routes below {@link PREFIX}. Each checks in the contract's order: 401, then 413 and 422, then its own. */
export function mount(routes: Route[], checks: { caller: Middleware[]; body: Middleware[] }): Router {
  const router = new Router({ prefix: PREFIX });
  for (const route of routes) {
    const stack = [...(route.public ? [] : checks.caller), ...(route.body ? checks.body : []), run(route)];
    router.register(route.path, [route.method], stack);
  }
  return router;
}

/** Answers what no route has answered: 405 with the methods that the path does take, else 404. */
export function unrouted(ctx: Context, next: Next): Promise<void> {
  if (ctx.routeMatched) return next();
  const allowed = new Set((ctx.matched as Router['stack'] | undefined)?.flatMap((layer) => layer.methods));
  if (allowed.size === 0) throw notFound('path');
  throw new ApiError(405, 'method_not_allowed', `This path does not take ${ctx.method}`, {
    headers: { Allow: [...allowed].sort().join(', ') },
  });
}

function run({ query, body, success, handle }: Route): Middleware {
  return async (ctx) => {
    const input = {
      query: query && validate(query, ctx.query, { convert: true }),
      body: body && validate(body, ctx.request.body, { convert: false }),
    };
    [ctx.status] = success;
    await handle(ctx as unknown as ApiContext, input);
  };
}
