import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { pino } from 'pino';
import { createApp } from './app.ts';
import { orExit, readConfig } from './config.ts';
import { closeDb, createDb } from './db.ts';
import { listen } from './listen.ts';
import { createMetrics } from './metrics.ts';
import { joinPeers } from './peers.ts';
import { measureProcess } from './process-metrics.ts';
import { shutdownOf } from './shutdown.ts';
import { createQueue } from './tasks/create-queue.ts';
import { KINDS } from './tasks/kinds.ts';
import { createOutbox } from './tasks/outbox.ts';
import { createWatch } from './tasks/watch.ts';
import { lowerPoolPriority } from './thread-priority.ts';

/** Longer than any proxy keeps a connection to us, so that it is never us who hang up on a request under way. */
const KEEP_ALIVE_MS = 65_000;

/** Until when a request must be here; nginx takes it in first, so that these are for who asks us without it. */
const RECEIVING = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 1_000 };

const config = orExit(() => readConfig(process.env));
// Synchronous: no line is lost at the end, and an end without a reader left does not wait for one for ever. Many lines at
// once, at most a second late: to write each was a twentieth of what a request cost.
const output = pino.destination({ sync: true, minLength: 4096, periodicFlush: 1_000 });
// Not flushSync, which tries for ever where nobody reads any more.
process.once('exit', () => output.flush());
const log = pino({ level: config.logLevel, base: { release: config.release } }, output);
const db = createDb(config.database, `api ${config.release}`);
const metrics = createMetrics(db, config.release);
measureProcess(metrics.registry);
const queue = await createQueue({ db, log, kinds: [...KINDS.keys()], queueUrl: config.queueUrl });
const outbox = createOutbox({ db, queue, log });
const watch = createWatch(db);
const app = createApp({ db, log, config, outbox, watch, metrics });
const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, ...RECEIVING }, app.callback());
const shutdown = shutdownOf(server, config.shutdown);

await lowerPoolPriority();
try {
  await listen(server, config.port, config.host);
} catch (error) {
  fail('cannot listen', error);
}
const address = server.address();
// Only nginx reaches a unix socket, so only there is its X-Real-IP to be believed.
app.proxy = typeof address === 'string';
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
if (typeof address === 'string' && cluster.isWorker) await findPeers(address);
process.send?.('ready');
log.info({ address }, 'listening');

async function stop(signal: NodeJS.Signals): Promise<void> {
  log.info({ signal }, 'stopping');
  watch.close();
  const cut = await shutdown();
  if (cut) log.warn('requests were cut off at the limit');
  await queue.close().catch(() => {});
  await closeDb(db);
  log.info('stopped');
  process.exit(0);
}

/** Without them the metrics are of whichever process is asked: no reason not to serve. */
async function findPeers(path: string): Promise<void> {
  try {
    metrics.others = await joinPeers(path, () => metrics.registry.getMetricsAsJSON());
  } catch (error) {
    log.warn({ err: error }, 'the metrics are of one process alone');
  }
}

function fail(what: string, error: unknown): never {
  log.fatal({ err: error }, what);
  process.exit(1);
}
