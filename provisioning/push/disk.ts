import { statfs } from 'node:fs/promises';
import { BerthError } from '../errors.ts';

/** Where a push writes; they may be file systems of their own. */
const directories = ['/var/tmp', '/var/lib/berth', '/srv'];

/** What the database and the running applications keep of a file system: the smaller of the two, and of its inodes. */
const reserve = { MiB: 1024, share: 0.1, inodeShare: 0.05 };

/**
 * Refuses what would leave too little of a disk.
 *
 * @param bytes what is about to be written
 * @throws BerthError `disk_short`
 */
export async function requireDisk(bytes = 0): Promise<void> {
  for (const directory of directories) {
    const { blocks, bavail, bsize, files, ffree } = await statfs(directory);
    const keptMiB = Math.floor(Math.min(reserve.MiB, (blocks * bsize * reserve.share) / 1024 ** 2));
    const freeMiB = Math.floor((bavail * bsize - bytes) / 1024 ** 2);
    if (freeMiB < keptMiB) throw short(`${keptMiB} MiB of ${directory} free, and ${freeMiB} would remain`);
    // Some file systems have as many inodes as they need, and say 0.
    const keptFiles = Math.floor(files * reserve.inodeShare);
    if (ffree < keptFiles) throw short(`${keptFiles} inodes of ${directory} free, and ${ffree} remain`);
  }
}

function short(what: string): BerthError {
  return new BerthError(
    'disk_short',
    `a push leaves ${what}`,
    'free some space on the machine, or run berth deploy on your computer',
  );
}
