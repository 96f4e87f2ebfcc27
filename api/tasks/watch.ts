import type { Db } from '../db.ts';
import type { Task } from './store.ts';

/** How late a change is told at the most: by one query for all who follow, however many. */
const POLL_MS = 250;

/** What the owner of a task sees of it, and by what a change is told. */
export const SEEN = [
  'id',
  'kind',
  'status',
  'progress',
  'result',
  'error',
  'revision',
  'created_at',
  'started_at',
  'finished_at',
] as const;

export type SeenTask = Pick<Task, (typeof SEEN)[number]>;

export interface Follower {
  /** The task as it is now; null: it is gone. */
  changed(task: SeenTask | null): void;
  /** Nothing more is told. */
  end(): void;
}

/** Looks at tasks for those who wait for a change of them. */
export interface Watch {
  /** Calls back soon, and with each change from then on; returns what ends that. */
  follow(id: number, follower: Follower): () => void;
  /** Ends it for all, and for whoever comes later. */
  close(): void;
}

export function createWatch(db: Db): Watch {
  const followers = new Map<Follower, { id: number; revision: number }>();
  let looking = false;
  let closed = false;

  async function look(): Promise<void> {
    // Whoever comes while the query is under way is told by the next one.
    const asked = [...followers];
    const ids = new Set(asked.map(([, { id }]) => id));
    try {
      const found = await db('tasks')
        .whereIn('id', [...ids])
        .select(...SEEN);
      const tasks = new Map(found.map((task) => [task.id, task]));
      for (const [follower, known] of asked) {
        if (!followers.has(follower)) continue;
        const task = tasks.get(known.id) ?? null;
        const revision = task?.revision ?? 0;
        if (revision === known.revision) continue;
        known.revision = revision;
        follower.changed(task);
      }
    } catch {
      // They come back by themselves; meanwhile the database may have, too.
      endAll();
    }
    looking = followers.size > 0;
    if (looking) setTimeout(look, POLL_MS);
  }

  function endAll(): void {
    for (const follower of followers.keys()) follower.end();
    followers.clear();
  }

  return {
    follow(id, follower) {
      if (closed) {
        setImmediate(() => follower.end());
        return () => {};
      }
      followers.set(follower, { id, revision: -1 });
      if (!looking) setTimeout(look, 0);
      looking = true;
      return () => followers.delete(follower);
    },
    close() {
      closed = true;
      endAll();
    },
  };
}
