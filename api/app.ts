import cors from '@koa/cors';
import Koa from 'koa';
import type { Logger } from 'pino';
import { authenticate } from './auth.ts';
import { readBody } from './body.ts';
import type { Config } from './config.ts';
import type { Db } from './db.ts';
import { problems } from './errors.ts';
import { createLimits } from './limits.ts';
import { publish } from './openapi.ts';
import { createPasswords } from './passwords.ts';
import { requests } from './requests.ts';
import { resources } from './resources/index.ts';
import { mount, unrouted } from './route.ts';

/** What the API needs from outside. */
export interface AppOptions {
  db: Db;
  log: Logger;
  config: Config;
}

/** The whole API, not listening yet: every request takes these steps in this order. */
export function createApp({ db, log, config }: AppOptions): Koa {
  const app = new Koa({ proxyIpHeader: 'X-Real-IP', maxIpsCount: 1 });
  const services = {
    db,
    config,
    limits: createLimits(db, config.limits),
    passwords: createPasswords(config.bcryptCost),
  };
  const routes = resources(services);
  const router = mount([...routes, publish(routes, config.release)], {
    caller: authenticate(db, config.jwtKeys),
    body: readBody(config.bodyLimit),
  });

  // Not failures of ours, which are answered below, but of connections that end in the middle of something.
  app.on('error', (error: Error, ctx?: Koa.Context) => {
    log.info({ request_id: ctx?.state.requestId, reason: error.message }, 'connection failed');
  });
  app.use(requests(log, config.release));
  if (config.corsOrigins.length > 0) app.use(allowOrigins(config.corsOrigins));
  app.use(problems(log));
  app.use(router.routes());
  app.use(unrouted);
  return app;
}

function allowOrigins(origins: string[]): Koa.Middleware {
  return cors({
    origin: (ctx) => (origins.includes(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    exposeHeaders: ['ETag', 'Link', 'Location', 'Retry-After', 'X-Request-Id'],
  });
}
