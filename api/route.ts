import Router, { type RouterContext } from '@koa/router';
import type Joi from 'joi';
import type { Context, DefaultState, Middleware, Next } from 'koa';
import type { Caller } from './auth.ts';
import { BoundedMap } from './bounded-map.ts';
import { ApiError, notFound } from './errors.ts';
import type { PreconditionName, RequestHeaderName, ResponseHeaderName } from './openapi/headers.ts';
import { serializer } from './serialize.ts';
import { validate } from './validate.ts';

/** Where the API lives below its host. */
export const PREFIX = '/api';

/** Some 100 KB a route, when all are taken. */
const MAX_REMEMBERED_QUERIES = 500;
const MAX_REMEMBERED_LENGTH = 100;

interface State extends DefaultState {
  requestId: string;
  /** Set on every route that is not public. */
  caller: Caller;
  /** What the caller’s token says, likewise: until when it is good, in seconds since 1970. */
  identity: { expires: number };
}

/** What a handler works on. */
export type ApiContext = RouterContext<State>;

/** What the contract says of one path and method: it is checked, run, and published as OpenAPI. */
export interface Contract<Query, Body> {
  /** What generated clients call it. */
  operationId: string;
  summary: string;
  /** No access token is needed. */
  public?: true;
  query?: Joi.ObjectSchema<Query>;
  body?: Joi.ObjectSchema<Body>;
  /** In bytes, where a body is to be smaller than the server's limit. */
  bodyLimit?: number;
  /** A header that its handler reads. */
  requestHeader?: RequestHeaderName;
  /** The condition that it honours: where it does not hold, the answer is 412, or 304 to a GET. */
  precondition?: PreconditionName;
  /** The status of a success, set before the handler runs, and the shape of its body if it has one. */
  success: [status: number, shape?: Joi.Schema];
  /** The types of its success, where that is not JSON. */
  mediaTypes?: string[];
  /** When it answers 204 instead. */
  noContent?: string;
  /** What its success carries besides the headers of every answer. */
  headers?: ResponseHeaderName[];
  /** What its handler may throw besides the checks before it: an example of each. */
  errors?: ApiError[];
  handle(ctx: ApiContext, input: { query: Query; body: Body }): Promise<void>;
}

/** One row of the contract. */
export interface Route extends Contract<unknown, unknown> {
  method: string;
  path: string;
  /** Under which the document lists it. */
  tag?: Tag;
}

/** A subject of the contract. */
export interface Tag {
  name: string;
  description: string;
}

/**
 * Declares a row, as in
 * `route('GET /livez', { operationId: 'live', summary: 'Is it alive', success: [200], async handle(ctx) {} })`.
 */
export function route<Query, Body>(
  row: `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`,
  contract: Contract<Query, Body>,
): Route {
  const [method = '', path = ''] = row.split(' ');
  return { method, path, ...contract } as Route;
}

/** What stands before a route's own check. */
export interface Checks {
  caller: Middleware[];
  /** Reads a body of so many bytes at the most, or of the server's own limit. */
  body(limit?: number): Middleware[];
}

/** Mounts the routes below {@link PREFIX}. Each checks in the contract's order: 401, then 413 and 422, then its own. */
export function mount(routes: Route[], checks: Checks): Router {
  const router = new Router({ prefix: PREFIX });
  for (const route of routes) {
    const stack = [
      ...(route.public ? [] : checks.caller),
      ...(route.body ? checks.body(route.bodyLimit) : []),
      run(route),
    ];
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

function run({ query, body, mediaTypes, success: [status, shape], handle }: Route): Middleware {
  const serialize = shape && !mediaTypes && serializer(shape);
  const readQuery = query && queryReader(query);
  return async (ctx) => {
    const input = {
      query: readQuery?.(ctx),
      body: body && validate(body, ctx.request.body, { convert: false }),
    };
    ctx.status = status;
    await handle(ctx as unknown as ApiContext, input);
    // A handler that needs the text itself, as for an entity tag, has written it already.
    if (serialize && typeof ctx.body === 'object' && ctx.body !== null) ctx.body = serialize(ctx.body);
  };
}

/** Clients ask the same again and again: what was found valid is remembered by its text, and not to be changed. */
function queryReader(schema: Joi.ObjectSchema<unknown>) {
  const known = new BoundedMap<string, unknown>(MAX_REMEMBERED_QUERIES);
  return (ctx: Context): unknown => {
    const text = ctx.querystring;
    let query = known.get(text);
    if (query === undefined) {
      query = Object.freeze(validate(schema, ctx.query, { convert: true }));
      if (text.length <= MAX_REMEMBERED_LENGTH) known.set(text, query);
    }
    return query;
  };
}
