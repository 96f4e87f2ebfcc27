import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';

const pathOf = (name: string) => `/run/berth/${name}.lock`;

export type LockOptions = {
  /** `copies` is for the upload, which may last for hours and touches nothing that a backup does; default `backup`. */
  lock?: 'backup' | 'copies';
  /** What is being done and by whom, e.g. `the backup of root@vm`: shown to whoever comes meanwhile. */
  what: string;
  /** How long to wait for the one that has it, in milliseconds; 0: not at all. */
  waitMs: number;
  say: (text: string) => void;
  /** Ends the waiting. */
  stop: AbortSignal;
};

/**
 * Does work that no other backup, drill or restore may meet. The lock is the kernel's, on an open file of this
 * process: it is free again when the process ends, however it ends.
 *
 * @throws BerthError `backup_running`
 */
export async function withBackupLock<T>(
  host: Host,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  await host.must(['mkdir', '-p', '-m', '0755', '/run/berth']);
  const path = pathOf(options.lock ?? 'backup');
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    await take(host, file, path, options);
    await file.truncate(0);
    await file.write(JSON.stringify({ what: options.what, since: new Date().toISOString() }), 0);
    return await work();
  } finally {
    await file.close();
  }
}

async function take(
  host: Host,
  file: FileHandle,
  path: string,
  { waitMs, say, stop }: LockOptions,
): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (let told = false; !(await lock(host, file)); told = true) {
    const running = await holder(host, path);
    if (Date.now() >= deadline || stop.aborted) {
      throw new BerthError(
        'backup_running',
        `${running} holds the backups`,
        'wait until it is done, then run the same command again',
      );
    }
    if (!told) say(`waits for ${running}`);
    await wait(500);
  }
}

async function holder(host: Host, path: string): Promise<string> {
  try {
    const { what, since } = JSON.parse((await host.read(path)) ?? '') as { what: string; since: string };
    return `${what}, begun at ${since}`;
  } catch {
    return 'another backup, which has just begun';
  }
}

/** flock(1) locks the open file that it inherits, which stays locked when it has ended. */
async function lock(host: Host, file: FileHandle): Promise<boolean> {
  const child = await host.spawn(['flock', '--nonblock', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file.fd],
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0 || code === 1) return code === 0;
  throw new BerthError(
    'command_failed',
    `flock ended with exit code ${code}`,
    'see that util-linux is whole',
  );
}
