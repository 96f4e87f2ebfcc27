import { pino } from 'pino';
import { readWorkerConfig } from './config.ts';
import { closeDb, createDb } from './db.ts';
import { createQueue } from './tasks/create-queue.ts';
import { inspectQueue } from './tasks/inspect.ts';
import { dropTask, retryTask } from './tasks/intervene.ts';
import { KINDS } from './tasks/kinds.ts';

const USAGE = 'usage: queue.ts list --json | retry <id> | drop <id>';

/** The `queue` process: what operators see of the tasks and do to them, by `berth queue`. */
const [word = 'list', argument = ''] = process.argv.slice(2);
try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const id = /^[1-9]\d{0,9}$/.test(argument) ? Number(argument) : 0;
  if (word !== 'list' && (id === 0 || !['retry', 'drop'].includes(word))) throw new Error(USAGE);
  const { database, queueUrl } = readWorkerConfig(process.env);
  const db = createDb({ ...database, poolMax: 2 }, 'queue');
  const log = pino({ level: 'silent' });
  const queue = await createQueue({ db, log, kinds: [...KINDS.keys()], queueUrl });
  try {
    if (word === 'list') console.log(JSON.stringify(await inspectQueue(db, queue, KINDS)));
    else console.log(await (word === 'retry' ? retryTask(db, queue, id) : dropTask(db, queue, id)));
    return 0;
  } finally {
    await queue.close().catch(() => {});
    await closeDb(db);
  }
}
