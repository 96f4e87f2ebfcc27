import { setTimeout as after } from 'node:timers/promises';
import { pino } from 'pino';
import { orExit, readWorkerConfig } from './config.ts';
import { closeDb, createDb } from './db.ts';
import { createQueue } from './tasks/create-queue.ts';
import { KINDS } from './tasks/kinds.ts';
import { createQuarantine, type Suspect } from './tasks/quarantine.ts';
import { tryTask } from './tasks/try.ts';
import { watchEventLoop } from './tasks/watchdog.ts';
import { createWorker } from './tasks/worker.ts';

/** Given to the process that is asked to try the tasks which may end it. */
const QUARANTINE = '--quarantine';

/** Of the time that a worker has to end: kept for handing back what is not over. */
const HAND_BACK_MS = 3_000;

/** How long it waits for queries that are still under way. */
const CLOSE_MS = 1_000;

const config = orExit(() => readWorkerConfig(process.env));
const log = pino(
  { level: config.logLevel, base: { release: config.release } },
  pino.destination({ sync: true }),
);
const isApart = process.argv[2] === QUARANTINE;
// There is one process apart for each kind, and each is at one task.
const database = isApart ? { ...config.database, poolMax: 2 } : config.database;
const db = createDb(database, `worker ${config.release}`);

watchEventLoop();
if (isApart) tryForParent();
else await work();

async function work(): Promise<void> {
  const kinds = [...KINDS.keys()];
  const { queueUrl } = config;
  const queue = await createQueue({ db, log, kinds, queueUrl, databaseUrl: database.url });
  const quarantine = createQuarantine(import.meta.filename, [QUARANTINE]);
  const worker = createWorker({
    db,
    queue,
    kinds: KINDS,
    log,
    schedules: config.schedules,
    apart: quarantine.attempt,
  });
  const stop = async (signal: NodeJS.Signals) => {
    log.info({ signal }, 'stopping');
    await worker.stop(Math.max(config.drainMs - HAND_BACK_MS, config.drainMs / 2));
    quarantine.end();
    // A look at a broker that hangs keeps its connection for longer than there is time.
    await Promise.race([closeDb(db), after(CLOSE_MS)]);
    log.info('stopped');
    process.exit(0);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  await worker.start();
  process.send?.('ready');
  log.info({ queue: queue.name, kinds }, 'working');
}

/** One after the other, as they come; the parent's end is this one's, too. */
function tryForParent(): void {
  const ending = new AbortController().signal;
  process.on('message', async ({ kind: name, started }: Suspect) => {
    const kind = KINDS.get(name);
    if (kind) process.send?.(await tryTask({ db, kind, started, ending }));
  });
  process.once('disconnect', () => process.exit(0));
  // A signal to the whole group is the parent's to answer.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
}
