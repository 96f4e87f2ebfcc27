import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BerthError } from '../../../provisioning/errors.ts';
import { runChecked } from '../../process.ts';
import { writeAtomic } from '../atomic.ts';
import { confined } from './confined.ts';
import { hosts, mark, networkUnit, resolvConf } from './inside.ts';
import { makeKey } from './keys.ts';
import type { Connection } from './network.ts';
import type { Place } from './place.ts';
import { removeTree } from './remove.ts';
import type { Resolver } from './resolver.ts';

/** Unpacks the image as the machine's root file system, which appears under its name only when it is whole. */
export async function unpack(
  tar: string,
  place: Place,
  publicKey: string,
  signal?: AbortSignal,
): Promise<void> {
  await removeTree(place.partial);
  mkdirSync(place.partial, { mode: 0o755 });
  await runChecked(confined(unpackArgv(tar, place.partial)), { signal });
  const inside = (path: string) => join(place.partial, path);
  writeAtomic(inside('etc/hostname'), `${place.name}\n`, 0o644);
  writeAtomic(inside('etc/hosts'), hosts(place.name), 0o644);
  mkdirSync(inside('root/.ssh'), { recursive: true, mode: 0o700 });
  writeAtomic(inside('root/.ssh/authorized_keys'), `${publicKey}\n`, 0o600);
  await makeKey(inside('etc/ssh/ssh_host_ed25519_key'), `root@${place.name}`);
  renameSync(place.partial, place.rootfs);
}

export function unpackArgv(tar: string, target: string): string[] {
  const keep = ['--numeric-owner', '--preserve-permissions', '--xattrs', '--xattrs-include=*'];
  return ['tar', '--extract', `--file=${tar}`, `--directory=${target}`, '--force-local', ...keep];
}

/** What may differ at each start: the address, the outer interface's MTU, the computer's name servers. */
export function connect(rootfs: string, connection: Connection, resolver: Resolver): void {
  refresh(rootfs, 'etc/systemd/network/10-berth.network', networkUnit(connection));
  refresh(rootfs, 'etc/resolv.conf', resolvConf(resolver.nameservers, resolver.search));
}

/** Writes a file of a machine that is switched off, unless the machine has made it its own. */
function refresh(rootfs: string, path: string, text: string): void {
  const target = join(rootfs, path);
  assertRealDirectories(rootfs, dirname(path));
  const found = lstatSync(target, { throwIfNoEntry: false });
  const ours = found === undefined || (found.isFile() && readFileSync(target, 'utf8').startsWith(mark));
  if (ours) writeAtomic(target, text, 0o644);
}

/** The machine's root may have put a symlink there, and outside the machine it would point into this computer. */
function assertRealDirectories(rootfs: string, path: string): void {
  let at = rootfs;
  for (const part of path.split('/')) {
    at = join(at, part);
    if (!existsSync(at) || lstatSync(at).isDirectory()) continue;
    throw new BerthError(
      'rootfs_odd',
      `/${path} of the machine leads through ${part}, which is not a directory`,
      'put the directory back inside the machine, or make it anew: berth destroy, berth up',
    );
  }
}
