import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { BerthError } from '../../../provisioning/errors.ts';
import { runChecked } from '../../process.ts';
import type { Report } from '../../report.ts';
import { availableMemoryMiB } from './memory.ts';

/** Program → the Debian package that has it. */
const programs: Record<string, string> = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  nft: 'nftables',
  ip: 'iproute2',
  tar: 'tar',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  mount: 'mount',
  umount: 'mount',
  flock: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
};

/** Without it no package's signature could be checked; Ubuntu has it as a package of its own. */
const keyring = { path: '/usr/share/keyrings/debian-archive-keyring.gpg', package: 'debian-archive-keyring' };

/** An image, a machine and a release or two; a root file system alone is 0.3 GiB. */
const neededDiskGiB = 4;
const neededMemoryMiB = 512;

/** The Debian packages that container machines need and this computer lacks; empty where all is there. */
export function requiredPackages(path = process.env.PATH ?? ''): string[] {
  const missing = missingPrograms(path).map((program) => programs[program] ?? program);
  if (!existsSync(keyring.path)) missing.push(keyring.package);
  return [...new Set(missing)];
}

/** Installs them by apt-get; `elevate` is put before the command (`sudo -n`). */
export async function installPackages(packages: string[], elevate: string[], report: Report): Promise<void> {
  await report.step(`installs ${packages.join(', ')}`, async (detail) => {
    const apt = (...args: string[]) =>
      runChecked([...elevate, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args], {
        onLine: detail,
      });
    await apt('update');
    await apt('install', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...packages);
  });
}

/** Throws BerthError `not_linux`, `programs_missing`. */
export function assertPrograms(): void {
  if (process.platform !== 'linux') {
    throw new BerthError(
      'not_linux',
      `container machines need Linux; this computer runs ${process.platform}`,
      'install Vagrant and VirtualBox, or use a machine that runs Linux (berth init)',
    );
  }
  const packages = requiredPackages();
  if (packages.length === 0) return;
  const missing = missingPrograms(process.env.PATH ?? '');
  const what = missing.length === 0 ? keyring.path : missing.join(', ');
  throw new BerthError(
    'programs_missing',
    `this computer lacks ${what}`,
    existsSync('/usr/bin/apt-get')
      ? `run: apt-get install ${packages.join(' ')}`
      : `install what Debian calls ${packages.join(', ')}, by this computer's own package manager.`,
  );
}

/** Throws BerthError `disk_full`, `memory_short`. */
export function assertRoom({
  stateDirectory,
  memoryMiB,
}: {
  stateDirectory: string;
  memoryMiB?: number;
}): void {
  const place = nearest(resolve(stateDirectory));
  const { bavail, bsize } = statfsSync(place);
  const freeGiB = (bavail * bsize) / 1024 ** 3;
  if (freeGiB < neededDiskGiB) {
    throw new BerthError(
      'disk_full',
      `a machine needs ${neededDiskGiB} GiB, and ${freeGiB.toFixed(1)} GiB are free at ${place}`,
      'free some space; a checkout that you use no more keeps images in its .berth/images',
    );
  }
  const availableMiB = availableMemoryMiB();
  const neededMiB = Math.min(memoryMiB ?? neededMemoryMiB, neededMemoryMiB);
  if (availableMiB < neededMiB) {
    throw new BerthError(
      'memory_short',
      `a machine needs ${neededMiB} MiB of memory, and ${availableMiB} MiB are available on this computer`,
      'end some programs, then run the same berth command again',
    );
  }
}

/** Administrators' programs too, which are not on the path of every user. */
function missingPrograms(path: string): string[] {
  const directories = [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return Object.keys(programs).filter(
    (program) => !directories.some((directory) => executable(join(directory, program))),
  );
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The directory itself, or the closest one above it that exists. */
function nearest(path: string): string {
  return existsSync(path) || path === '/' ? path : nearest(dirname(path));
}
