import { randomUUID } from 'node:crypto';
import type { Context, Next } from 'koa';
import type { Logger } from 'pino';

/** nginx's `$request_id` is 32 hex digits; anything longer or stranger is not taken over into the log. */
const REQUEST_ID = /^[\w-]{8,64}$/;

/** Names each request and the release that answers it, and logs one line a request: never its body, query or tokens. */
export function requests(log: Logger, release: string) {
  return async (ctx: Context, next: Next): Promise<void> => {
    const started = performance.now();
    const given = ctx.get('X-Request-Id');
    ctx.state.requestId = REQUEST_ID.test(given) ? given : randomUUID();
    ctx.set({ 'X-Request-Id': ctx.state.requestId, 'X-Release': release });
    await next();
    const line = {
      request_id: ctx.state.requestId,
      method: ctx.method,
      route: ctx._matchedRoute,
      status: ctx.status,
      duration_ms: Math.round((performance.now() - started) * 10) / 10,
      user_id: ctx.state.caller?.id,
    };
    if (ctx.state.quiet) log.debug(line, 'request');
    else log.info(line, 'request');
  };
}
