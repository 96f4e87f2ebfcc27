import { readdir, readFile } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';

/** A tenth of what a thread at 0 is given, where both want all of a core. */
const NICENESS = 10;

const THREADS = '/proc/self/task';

/** What libuv calls the threads of its pool. */
const POOL = 'libuv-worker\n';

/**
 * Lets the event loop go before libuv's pool, where passwords are hashed; little else of a request is done there. On Linux,
 * where a priority is a thread's and not the process's.
 */
export async function lowerPoolPriority(): Promise<void> {
  if (process.platform !== 'linux') return;
  // Asked of the pool itself, so that its threads are there.
  for (const id of await readdir(THREADS)) {
    const name = await readFile(`${THREADS}/${id}/comm`, 'utf8').catch(() => '');
    if (name === POOL) lower(Number(id));
  }
}

function lower(thread: number): void {
  try {
    setPriority(thread, Math.max(getPriority(thread), NICENESS));
  } catch {
    // A sandbox may forbid it, as systemd's ~@resources does; whoever reads then shares with who signs in.
  }
}
