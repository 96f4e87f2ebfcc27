import { statfs } from 'node:fs/promises';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';

/** Measured on Debian 13: pm2 75 MiB, a web process 65 MiB before the application's own code. */
const perRelease = { pm2MiB: 75, processMiB: 100 };
const diskMiB = 300;

/**
 * Refuses a release that would fill the disk, or for whose time beside the live one the memory is too short.
 *
 * @throws BerthError `disk_short`, `memory_short`
 */
export async function requireRoom(host: Host, app: string, processes: Record<string, number>): Promise<void> {
  for (const part of ['releases', 'slugs', 'layers']) await requireDisk(`/srv/${app}/${part}`);
  await requireMemory(host, processes);
}

async function requireDisk(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const freeMiB = Math.floor((bavail * bsize) / 1024 ** 2);
  if (freeMiB < diskMiB) {
    throw new BerthError(
      'disk_short',
      `${freeMiB} MiB are free in ${directory}, a release needs ${diskMiB}`,
      'free some space',
    );
  }
}

/** @throws BerthError `memory_short` */
export async function requireMemory(host: Host, processes: Record<string, number>): Promise<void> {
  const count = Object.values(processes).reduce((sum, each) => sum + each, 0);
  const needed = perRelease.pm2MiB + count * perRelease.processMiB;
  const available = availableMiB((await host.read('/proc/meminfo')) ?? '');
  if (available >= needed) return;
  throw new BerthError(
    'memory_short',
    `${available} MiB of memory are available, a release of ${count} processes beside the live one needs ${needed}`,
    'give the machine more memory, or run fewer processes (apps.<name>.processes)',
  );
}

export function availableMiB(meminfo: string): number {
  const kiB = meminfo.match(/^MemAvailable:\s+(\d+) kB$/m)?.[1];
  return kiB === undefined ? Number.POSITIVE_INFINITY : Math.floor(Number(kiB) / 1024);
}
