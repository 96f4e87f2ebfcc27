import { Worker } from 'node:worker_threads';

const TURN_MS = 1_000;

/** Twice that without a turn, and the process is ended: one that was stopped and goes on has time for a turn. */
const LIMIT_MS = 15_000;

interface Watched {
  turns: Int32Array<SharedArrayBuffer>;
  limitMs: number;
}

/**
 * Ends this process when its event loop has not turned for 30 s: a task that never lets go of it would hold up all others,
 * and nothing else could tell. The task is then known as one in the middle of which its process has ended.
 */
export function watchEventLoop(limitMs = LIMIT_MS): void {
  const turns = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const watched: Watched = { turns, limitMs };
  setInterval(() => {
    Atomics.add(turns, 0, 1);
    Atomics.notify(turns, 0);
  }, TURN_MS).unref();
  // The text of one function, as a thread that loads a module of ours takes 23 MB instead of 9.
  const text = `(${watch})(require('node:worker_threads').workerData)`;
  new Worker(text, { eval: true, workerData: watched }).unref();
}

/** Runs in a thread, which goes on when the loop does not; it sees nothing of this module. */
function watch({ turns, limitMs }: Watched): void {
  const hasTurned = () => Atomics.wait(turns, 0, Atomics.load(turns, 0), limitMs) !== 'timed-out';
  while (hasTurned() || hasTurned());
  process.getBuiltinModule('node:fs').writeSync(2, 'the event loop does not turn: the process is ended\n');
  process.kill(process.pid, 'SIGKILL');
}
