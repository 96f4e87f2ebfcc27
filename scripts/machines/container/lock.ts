import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { BerthError } from '../../../provisioning/errors.ts';

type Held = { release(): Promise<void> };

type Waiting = { signal?: AbortSignal | undefined; onWait?: () => void };

/** flock's exit code where another process has the lock and we would not wait. */
const conflict = 1;

/**
 * Runs `work` while no other process, of any checkout, does so under the same path.
 *
 * The kernel holds the lock for a `flock … cat` that ends when its standard input does: it is let go however this
 * process ends, SIGKILL included. Its file is deleted afterwards. `onWait` is called once if another process has it.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  { signal, onWait }: Waiting = {},
): Promise<T> {
  let held = await take(path, ['--nonblock']);
  if (held === undefined) onWait?.();
  while (held === undefined) held = await take(path, [], signal);
  try {
    return await work();
  } finally {
    await held.release();
  }
}

/** Deletes the lock files in a directory that processes which were killed have left. */
export async function tidyLocks(directory: string): Promise<void> {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  for (const name of names) await (await take(`${directory}/${name}`, ['--nonblock']))?.release();
}

/** Undefined: somebody else has it, or its file was deleted while we waited, and it is worth another try. */
async function take(path: string, flags: string[], signal?: AbortSignal): Promise<Held | undefined> {
  signal?.throwIfAborted();
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  // A session of its own: Ctrl-C reaches the whole foreground group, and the lock must outlive our own clean-up.
  const holder = spawn('flock', [...flags, '--no-fork', path, 'cat'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const giveUp = () => holder.kill();
  signal?.addEventListener('abort', giveUp);
  const ended = once(holder, 'close');
  const said = holder.stderr.setEncoding('utf8').toArray();
  holder.stdin.on('error', () => {}).write('held\n');
  const echoed = new Promise<boolean>((resolve) => holder.stdout.once('data', () => resolve(true)));
  const locked = await Promise.race([echoed, ended.then(() => false)]);
  signal?.removeEventListener('abort', giveUp);
  if (!locked) {
    signal?.throwIfAborted();
    // Its directory was deleted as empty between our making it and flock's opening the file in it.
    if (holder.exitCode === conflict || !existsSync(dirname(path))) return undefined;
    throw new BerthError(
      'lock_failed',
      `cannot lock ${path}: ${(await said).join('').trim()}`,
      'look at what is in its way',
    );
  }
  const letGo = async () => {
    holder.stdin.end();
    await ended;
  };
  if (holds(holder, path)) return { release: () => deleted(path).finally(letGo) };
  await letGo();
  return undefined;
}

/** Whoever had the lock before us deleted the file: ours is then a lock on nothing that others can see. */
function holds({ pid }: ChildProcessByStdio<Writable, Readable, Readable>, path: string): boolean {
  const now = statSync(path, { throwIfNoEntry: false });
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    const open = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false });
    return open !== undefined && open.ino === now?.ino && open.dev === now.dev;
  });
}

/** Deleted while it is still held, so that nobody's lock but ours goes with it. */
async function deleted(path: string): Promise<void> {
  rmSync(path, { force: true });
}
