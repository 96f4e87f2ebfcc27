import { statfs } from 'node:fs/promises';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { Settings } from '../settings.ts';

/** Measured on Debian 13: pm2 75 MiB, a web process 65 MiB before the application's own code. */
const perRelease = { pm2MiB: 75, processMiB: 100 };
const diskMiB = 300;

/**
 * Refuses a release that would fill the disk.
 *
 * @throws BerthError `disk_short`
 */
export async function requireDisk(app: string): Promise<void> {
  for (const part of ['releases', 'slugs', 'layers']) {
    const directory = `/srv/${app}/${part}`;
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
}

/**
 * Refuses a release for whose time beside the live one the memory is too short.
 *
 * @throws BerthError `memory_short`
 */
export async function requireMemory(
  host: Host,
  settings: Settings,
  processes: Record<string, number>,
): Promise<void> {
  const count = Object.values(processes).reduce((sum, each) => sum + each, 0);
  const needed = perRelease.pm2MiB + count * perRelease.processMiB;
  const available = await availableMiB(host, settings);
  if (available >= needed) return;
  throw new BerthError(
    'memory_short',
    `${available} MiB of memory are available, a release of ${count} processes beside the live one needs ${needed}`,
    'give the machine more memory, or run fewer processes (apps.<name>.processes)',
  );
}

/** A container shows all of its computer's memory: there it is what the machine is sized for that counts. */
export async function availableMiB(host: Host, { memoryMiB }: Settings): Promise<number> {
  const available = memAvailableMiB((await host.read('/proc/meminfo')) ?? '');
  if (memoryMiB === null || memoryMiB >= host.memoryMiB) return available;
  const pids = (await host.list('/proc')).filter((name) => /^\d+$/.test(name));
  const statuses = await Promise.all(pids.map((pid) => statusOf(host, pid)));
  const used = statuses.reduce((sum, status) => sum + rssAnonKiB(status), 0) / 1024;
  return Math.min(available, Math.max(0, Math.floor(memoryMiB - used)));
}

/** A process may end while it is asked. */
async function statusOf(host: Host, pid: string): Promise<string> {
  return (await host.read(`/proc/${pid}/status`).catch(() => null)) ?? '';
}

function rssAnonKiB(status: string): number {
  return Number(status.match(/^RssAnon:\s+(\d+) kB$/m)?.[1] ?? 0);
}

function memAvailableMiB(meminfo: string): number {
  const kiB = meminfo.match(/^MemAvailable:\s+(\d+) kB$/m)?.[1];
  return kiB === undefined ? Number.POSITIVE_INFINITY : Math.floor(Number(kiB) / 1024);
}
