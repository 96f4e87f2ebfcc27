import cors from '@koa/cors';
import Koa from 'koa';
import type { Logger } from 'pino';
import { authenticate } from './auth.ts';
import { readBody } from './body.ts';
import type { Config } from './config.ts';
import type { Db } from './db.ts';
import { problems } from './errors.ts';
import { createLimits } from './limits.ts';
import { createLinks } from './links.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { publish } from './openapi.ts';
import { createPasswords } from './passwords.ts';
import { observeQueries } from './queries.ts';
import { requests } from './requests.ts';
import { resources } from './resources/index.ts';
import { mount, unrouted } from './route.ts';
import { scrape } from './scrape.ts';
import { slowQueries } from './slow-queries.ts';
import type { Outbox } from './tasks/outbox.ts';
import type { Watch } from './tasks/watch.ts';

/** What the API needs from outside. */
export interface AppOptions {
  db: Db;
  log: Logger;
  config: Config;
  /** Tells the broker of tasks. */
  outbox: Outbox;
  /** Whom it looks at tasks for: to be closed when the process has to end. */
  watch: Watch;
  /** Where it counts; its own alone unless the process measures more. */
  metrics?: Metrics;
}

/** Of a socket that is gone, or of bytes that are no HTTP. */
const CONNECTION_FAILED = /^(ECONNRESET|EPIPE|ECANCELED|ERR_STREAM_PREMATURE_CLOSE|HPE_\w+)$/;

/** The whole API, not listening yet: every request takes these steps in this order. */
export function createApp({
  db,
  log,
  config,
  outbox,
  watch,
  metrics = createMetrics(db, config.release),
}: AppOptions): Koa {
  // The context tells a query which request it is for.
  const app = new Koa({ proxyIpHeader: 'X-Real-IP', maxIpsCount: 1, asyncLocalStorage: true });
  const logIfSlow = slowQueries(log, config.slowQueryMs);
  observeQueries(db, (query) => {
    const request = app.currentContext;
    request?.state.timing?.queried(query.durationMs);
    logIfSlow(query, request);
  });
  const services = {
    db,
    config,
    limits: createLimits(db, config),
    passwords: createPasswords(config.bcryptCost),
    links: createLinks(config.jwtKeys),
    outbox,
    watch,
  };
  const routes = resources(services);
  const router = mount([...routes, publish(routes, config.release)], {
    caller: authenticate(db, config.jwtKeys),
    body: (limit = config.bodyLimit) => readBody(Math.min(limit, config.bodyLimit)),
  });

  // Of connections that end in the middle of something; what fails within `problems` is answered there.
  app.on('error', (error: NodeJS.ErrnoException, ctx?: Koa.Context) => {
    const about = { request_id: ctx?.state.requestId };
    // Not the error as a whole: a parser's holds what was sent, tokens and all.
    if (CONNECTION_FAILED.test(error.code ?? ''))
      log.info({ ...about, reason: error.message }, 'connection failed');
    else log.error({ ...about, reason: error.stack }, 'request failed');
  });
  app.use(scrape(metrics));
  app.use(requests(log, config.release, metrics));
  if (config.corsOrigins.length > 0) app.use(allowOrigins(config.corsOrigins));
  app.use(problems(log));
  app.use(router.routes());
  app.use(unrouted);
  return app;
}

function allowOrigins(origins: string[]): Koa.Middleware {
  return cors({
    origin: (ctx) => (origins.includes(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    exposeHeaders: ['ETag', 'Link', 'Location', 'Retry-After', 'Server-Timing', 'X-Request-Id'],
  });
}
