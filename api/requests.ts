import { randomUUID } from 'node:crypto';
import type { Context, Next } from 'koa';
import type { Logger } from 'pino';
import type { Metrics } from './metrics.ts';
import { answerTiming, prefersTiming, ServerTiming } from './server-timing.ts';

/** nginx's `$request_id` is 32 hex digits; anything longer or stranger is not taken over into the log. */
const REQUEST_ID = /^[\w-]{8,64}$/;

/**
 * Names each request and the release that answers it, counts it, and logs one line: never its body, query or tokens.
 */
export function requests(log: Logger, release: string, metrics: Metrics) {
  return async (ctx: Context, next: Next): Promise<void> => {
    const started = performance.now();
    const given = ctx.get('X-Request-Id');
    ctx.state.requestId = REQUEST_ID.test(given) ? given : randomUUID();
    ctx.set({ 'X-Request-Id': ctx.state.requestId, 'X-Release': release });
    if (prefersTiming(ctx)) ctx.state.timing = new ServerTiming(started);
    await next();
    const { method, status, _matchedRoute: route } = ctx;
    const durationMs = performance.now() - started;
    metrics.count({ method, route, status, seconds: durationMs / 1000 });
    answerTiming(ctx);
    const line = {
      request_id: ctx.state.requestId,
      method,
      route,
      status,
      duration_ms: Math.round(durationMs * 10) / 10,
      user_id: ctx.state.caller?.id,
    };
    if (ctx.state.quiet) log.debug(line, 'request');
    else log.info(line, 'request');
  };
}
