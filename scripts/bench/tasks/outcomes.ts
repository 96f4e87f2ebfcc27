import { setTimeout as wait } from 'node:timers/promises';
import type { TaskTrial } from '../../../test/e2e/task-trial.ts';
import type { Outcome } from './verdict.ts';

const EVERY_MS = 1_000;

/** Waits until no task of a kind is pending or running; resolves to how many there still are after `limitMs`. */
export async function allOver({ sql }: TaskTrial, kind: string, limitMs: number): Promise<number> {
  const query = `select count(*) from tasks where kind = '${kind}' and status in ('pending', 'running')`;
  for (const end = Date.now() + limitMs; ; await wait(EVERY_MS)) {
    // What was killed last may be away still.
    const left = await sql(query).then(
      ([row]) => Number(row?.[0]),
      () => Number.NaN,
    );
    if (left === 0 || Date.now() > end) return left;
  }
}

/** Every task of a kind beside the rows that it has left in `effects`. */
export async function outcomesOf({ sql }: TaskTrial, kind: string): Promise<Outcome[]> {
  const rows = await sql(
    `select id, status, coalesce(extract(epoch from finished_at) * 1000, 0), count(effects.task_id)
       from tasks left join effects on task_id = id where kind = '${kind}' group by id order by id`,
  );
  return rows.map(([id, status = '', finishedAt, effects]) => ({
    ...{ id: Number(id), status, finishedAt: Number(finishedAt), effects: Number(effects) },
  }));
}
