import type { Db } from '../db.ts';
import { ApiError } from '../errors.ts';
import { validate } from '../validate.ts';
import { type Finish, type Kind, type Running, TaskError, timeoutOf, versionOf } from './kind.ts';
import { change, type Start, type Started, Superseded } from './store.ts';

/** What a task tells of its progress in between is not told. */
const PROGRESS_MS = 500;

/** How a try has ended; what has `failed` may be tried again, what was `refused` may not. `put off`: there was none. */
export type Ending =
  | 'done'
  | 'superseded'
  | 'handed back'
  | 'put off'
  | { refused: string }
  | { failed: string };

export interface TryOptions {
  db: Db;
  kind: Kind;
  started: Started;
  /** Aborted when the process has to end. */
  ending: AbortSignal;
}

/** One try of a task that has been claimed: what it comes to is in the database when this says `done`. */
export async function tryTask({ db, kind, started, ending }: TryOptions): Promise<Ending> {
  const limit = new AbortController();
  const abort = () => limit.abort(ending.reason);
  const timer = setTimeout(
    () => limit.abort(new Error(`It took longer than ${timeoutOf(kind)} ms`)),
    timeoutOf(kind),
  );
  ending.addEventListener('abort', abort);
  if (ending.aborted) abort();
  try {
    const task = { ...runningOf(db, kind, started), signal: limit.signal };
    const finish = await unlessAborted(limit.signal, kind.run(task));
    await conclude(db, started, finish);
    return 'done';
  } catch (error) {
    if (ending.aborted) return 'handed back';
    if (error instanceof Superseded) return 'superseded';
    if (error instanceof TaskError) return { refused: error.message };
    if (error instanceof ApiError) return { refused: detailsOf(error) };
    return { failed: (error as Error).stack ?? String(error) };
  } finally {
    clearTimeout(timer);
    ending.removeEventListener('abort', abort);
  }
}

function runningOf(db: Db, kind: Kind, { id, owner_id, run, ...started }: Started) {
  const given =
    started.version < versionOf(kind) ? kind.upgrade?.(started.payload, started.version) : started.payload;
  return {
    id,
    ownerId: owner_id,
    run,
    db,
    payload: validate(kind.payload, given, { convert: false }),
    progress: progressOf(db, { id, run }),
  } satisfies Omit<Running<unknown>, 'signal'>;
}

/** Tells the first at once and further ones now and then; that one is not told is no failure of the task. */
function progressOf(db: Db, start: Start): Running<unknown>['progress'] {
  let toldMs = -Infinity;
  return (progress) => {
    if (performance.now() - toldMs < PROGRESS_MS) return;
    toldMs = performance.now();
    change(db, start, { progress }).catch(() => {});
  };
}

/** Effects, result and end in one transaction, of which nothing stays where another start has taken the task over. */
async function conclude(db: Db, start: Start, finish: Finish<unknown>): Promise<void> {
  await db.transaction(async (transaction) => {
    const result = await finish(transaction);
    await change(transaction, start, {
      status: 'done',
      progress: 100,
      result: JSON.stringify(result),
      failure: null,
      finished_at: transaction.fn.now(),
    });
  });
}

/** Settles as the promise does, or rejects as soon as the signal is aborted. */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** A payload that is no longer valid. */
function detailsOf({ message, errors = [] }: ApiError): string {
  return [message, ...errors.map(({ path, message: reason }) => `${path}: ${reason}`)].join('; ');
}
