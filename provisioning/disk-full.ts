import { BerthError, messageOf } from './errors.ts';

const full = /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/;

/** The failure of a full disk as one that a person can act on, whoever met it: a system call or a program. */
export function diskFull(error: unknown): BerthError | null {
  const message = messageOf(error);
  if (!full.test(message)) return null;
  return new BerthError(
    'disk_short',
    `the machine's disk is full: ${message}`,
    'free some space on the machine (berth ssh), then run the same command again',
    { cause: error },
  );
}
