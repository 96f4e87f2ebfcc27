import type { IncomingMessage } from 'node:http';
import type { Context, Next } from 'koa';
import { type Metrics, wholeText } from './metrics.ts';

/** What proxies say of themselves and of whom they ask for; nginx always says the first two. */
const PROXIED = ['x-real-ip', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'forwarded', 'via'];
const LOOPBACK = /^(::1$|(::ffff:)?127\.)/;

/**
 * Answers `GET /metrics` to who asks on this machine; for anybody else there is no such path. It comes before all else,
 * so that a scrape is neither counted nor logged.
 */
export function scrape(metrics: Metrics) {
  return async (ctx: Context, next: Next): Promise<void> => {
    if (ctx.url !== '/metrics' || ctx.method !== 'GET' || !isLocal(ctx.req)) return next();
    ctx.body = await wholeText(metrics);
    ctx.set('Content-Type', metrics.registry.contentType);
  };
}

/** A peer without an address has come over the unix socket. */
function isLocal({ headers, socket: { remoteAddress } }: IncomingMessage): boolean {
  if (PROXIED.some((name) => name in headers)) return false;
  return remoteAddress === undefined || LOOPBACK.test(remoteAddress);
}
