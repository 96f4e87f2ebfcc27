import { createHash } from 'node:crypto';
import { rmdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tidyLocks } from './lock.ts';

/** What Berth's machines of all checkouts share until the computer is switched off. */
export const runtimeDirectory = '/run/berth';

const locks = join(runtimeDirectory, 'locks');

/** The lock of what all machines of this computer share. */
export const networkLock = join(locks, 'network');

/** The lock for a directory: outside it, for a directory that is deleted would take its lock along. */
export function lockFile(directory: string): string {
  return join(locks, createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 16));
}

/** Of /run/berth nothing stays once nothing is in it. */
export async function tidyRuntime(): Promise<void> {
  await tidyLocks(locks);
  for (const directory of [join(runtimeDirectory, 'leases'), locks, runtimeDirectory]) {
    try {
      rmdirSync(directory);
    } catch {
      // It is in use, or not there.
    }
  }
}
