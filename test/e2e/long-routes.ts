import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Context, Next } from 'koa';

/**
 * What the bundled API has none of and other applications do: slow answers, slow uploads, event streams. The tests of
 * releases put this file into the `api/` of their own clone and use it there; it never belongs to the product.
 */
export function longRoutes(release: string) {
  const streams = new Set<ServerResponse>();
  const endStreams = () => {
    for (const stream of streams) stream.end();
  };
  process.once('SIGINT', endStreams);
  process.once('SIGTERM', endStreams);

  const routes: Record<string, (ctx: Context) => Promise<void>> = {
    async '/api/long/slow'(ctx) {
      await wait(Number(ctx.query.ms));
      ctx.body = { nonce: ctx.query.nonce, release };
    },
    async '/api/long/upload'(ctx) {
      const hash = createHash('sha256');
      for await (const chunk of ctx.req) hash.update(chunk);
      ctx.body = { digest: hash.digest('hex'), release };
    },
    /** An event every 100 ms, numbered on from the last one that the client has. */
    async '/api/long/events'(ctx) {
      ctx.respond = false;
      const { res } = ctx;
      streams.add(res);
      res.once('close', () => streams.delete(res));
      res.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
      for (let id = Number(ctx.get('Last-Event-ID')) + 1; !res.writableEnded && !res.destroyed; id += 1) {
        res.write(`id: ${id}\ndata: ${release}\n\n`);
        await wait(100);
      }
    },
  };
  return (ctx: Context, next: Next): Promise<void> => routes[ctx.path]?.(ctx) ?? next();
}
