import { createServer } from 'node:http';
import { pino } from 'pino';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';
import { createDb } from './db.ts';
import { listen } from './listen.ts';
import { shutdownOf } from './shutdown.ts';

/** Longer than any proxy keeps a connection to us, so that it is never us who hang up on a request under way. */
const KEEP_ALIVE_MS = 65_000;

const config = orExit(() => readConfig(process.env));
// Synchronous: no line is lost at the end, and an end without a reader left does not wait for one for ever.
const output = pino.destination({ sync: true });
const log = pino({ level: config.logLevel, base: { release: config.release } }, output);
const db = createDb(config.database, `api ${config.release}`);
const app = createApp({ db, log, config });
const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, app.callback());
const shutdown = shutdownOf(server, config.shutdown);

try {
  await listen(server, config.port, config.host);
} catch (error) {
  fail('cannot listen', error);
}
// Only nginx reaches a unix socket, so only there is its X-Real-IP to be believed.
app.proxy = typeof server.address() === 'string';
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
process.send?.('ready');
log.info({ address: server.address() }, 'listening');

async function stop(signal: NodeJS.Signals): Promise<void> {
  log.info({ signal }, 'stopping');
  const cut = await shutdown();
  if (cut) log.warn('requests were cut off at the limit');
  await db.destroy();
  log.info('stopped');
  process.exit(0);
}

function orExit<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

function fail(what: string, error: unknown): never {
  log.fatal({ err: error }, what);
  process.exit(1);
}
