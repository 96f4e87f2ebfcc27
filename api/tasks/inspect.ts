import { setTimeout } from 'node:timers/promises';
import type { Db } from '../db.ts';
import type { Kind } from './kind.ts';
import type { Queue } from './queue.ts';
import type { Task } from './store.ts';

/** How many tasks are shown by their number. */
const SHOWN = 20;

/** A task that takes so long, or has failed before, is shown by its number. */
const SLOW_SECONDS = 30;

/** How long a broker has to answer. */
const PATIENCE_MS = 5_000;
const POLL_MS = 50;

/** What waits, runs and has failed. */
export interface QueueState {
  queue: Queue['name'];
  /** Whether the broker answers. */
  connected: boolean;
  /** Tasks that it has not been told of. */
  unsent: number;
  kinds: KindState[];
  /** Tasks that are slow or have failed before. */
  held: HeldTask[];
  parked: ParkedTask[];
  warnings: string[];
}

interface KindState {
  kind: string;
  waiting: number;
  running: number;
  /** Of those that wait: how many have failed before. */
  retrying: number;
  /** How long the oldest that waits has waited; null: none does. */
  oldest_seconds: number | null;
  /** Whether this release can do it. */
  known: boolean;
}

type HeldTask = Pick<Task, 'id' | 'kind' | 'status' | 'attempts'> & {
  age_seconds: number;
  error: string | null;
};
type ParkedTask = Pick<Task, 'id' | 'kind' | 'attempts'> & { error: string | null; failed_at: string };

export async function inspectQueue(
  db: Db,
  queue: Queue,
  kinds: ReadonlyMap<string, Kind>,
): Promise<QueueState> {
  const [states, unsent, held, parked, connected] = await Promise.all([
    readKinds(db),
    db('tasks').whereNull('sent_to').whereIn('status', ['pending', 'running']).count({ tasks: '*' }),
    readHeld(db),
    readParked(db),
    answers(queue, [...kinds.keys()][0] as string),
  ]);
  const all = states.map((state) => ({ ...state, known: kinds.has(state.kind) }));
  const unknown = all.filter(({ known }) => !known);
  return {
    queue: queue.name,
    connected,
    unsent: Number(unsent[0]?.tasks),
    kinds: all,
    held,
    parked,
    warnings: [
      ...(connected ? [] : [`${queue.name} does not answer: what is asked for waits in the database`]),
      ...unknown.map(({ kind }) => `this release has no kind ${kind}: its tasks wait for one that does`),
    ],
  };
}

async function readKinds(db: Db): Promise<Omit<KindState, 'known'>[]> {
  const { rows } = await db.raw(
    `select kind,
            count(*) filter (where status = 'pending')::integer as waiting,
            count(*) filter (where status = 'running')::integer as running,
            count(*) filter (where status = 'pending' and attempts > 0)::integer as retrying,
            extract(epoch from now() - min(created_at) filter (where status = 'pending'))::integer as oldest_seconds
       from tasks where status in ('pending', 'running') group by kind order by kind`,
  );
  return rows;
}

/** As it is given up by: the same task may end its process in the middle of one attempt or of two. */
const TRIED = 'greatest(attempts, deaths)';

function readHeld(db: Db): Promise<HeldTask[]> {
  const slow = `status = 'running' and changed_at < now() - interval '${SLOW_SECONDS} s'`;
  return db('tasks')
    .whereIn('status', ['pending', 'running'])
    .whereRaw(`(attempts > 1 or deaths > 0 or status = 'pending' and attempts > 0 or ${slow})`)
    .orderBy('id')
    .limit(SHOWN)
    .select('id', 'kind', 'status', {
      attempts: db.raw(TRIED),
      age_seconds: db.raw('extract(epoch from now() - created_at)::integer'),
      error: db.raw(`split_part(failure, E'\\n', 1)`),
    });
}

function readParked(db: Db): Promise<ParkedTask[]> {
  return db('tasks')
    .whereNotNull('parked_at')
    .orderBy('id', 'desc')
    .limit(SHOWN)
    .select('id', 'kind', {
      attempts: db.raw(TRIED),
      error: db.raw(`split_part(failure, E'\\n', 1)`),
      failed_at: 'parked_at',
    });
}

async function answers(queue: Queue, kind: string): Promise<boolean> {
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    // One that hangs never says so.
    const late = setTimeout(end - performance.now(), false, { ref: false });
    const answered = queue.isEmpty(kind).then(
      () => true,
      () => false,
    );
    if (await Promise.race([answered, late])) return true;
    await setTimeout(POLL_MS);
  }
  return false;
}
