import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';

export type RootfsOptions = {
  /** The tar of a container machine's image. */
  tar: string;
  /** Where it is unpacked, as `rootfs`. */
  directory: string;
  /** Debian packages that it has from the start: an apply inside takes ten times as long for them. */
  packages: string[];
  /** What is written into it, by its path there. */
  files: Record<string, string>;
  nameserver: string;
};

export type Rootfs = {
  rootfs: string;
  kernel: string;
  initrd: string;
};

/** A root file system with a kernel, whose disk is to be `/dev/vda`, and with a host key of its own. */
export async function makeRootfs(options: RootfsOptions): Promise<Rootfs> {
  const { tar, directory, packages, files, nameserver } = options;
  const rootfs = join(directory, 'rootfs');
  mkdirSync(rootfs);
  const keep = ['--numeric-owner', '--preserve-permissions', '--xattrs', '--xattrs-include=*'];
  await runChecked(['tar', '--extract', `--file=${tar}`, `--directory=${rootfs}`, '--force-local', ...keep]);
  const hostKey = join(rootfs, 'etc/ssh/ssh_host_ed25519_key');
  await runChecked(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', hostKey]);
  const all = { 'etc/fstab': '/dev/vda / ext4 errors=remount-ro 0 1\n', ...files };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(join(rootfs, path, '..'), { recursive: true });
    writeFileSync(join(rootfs, path), text);
  }
  await runChecked(['unshare', '--mount', 'sh', '-euc', install, 'sh', rootfs, nameserver, ...packages]);
  const boot = readdirSync(join(rootfs, 'boot'));
  const file = (prefix: string) => join(rootfs, 'boot', boot.find((name) => name.startsWith(prefix)) ?? '');
  return { rootfs, kernel: file('vmlinuz'), initrd: file('initrd') };
}

/** One file system, without a partition, as a file full of holes. */
export async function makeDisk(rootfs: string, path: string, size: string): Promise<void> {
  await runChecked(['truncate', `--size=${size}`, path]);
  await runChecked(['mkfs.ext4', '-q', '-d', rootfs, path]);
}

/** $1 is the root file system, $2 a name server. Nothing that is installed there may start here. */
const install = `r=$1; n=$2; shift 2
mount --bind /proc "$r/proc"
cp -L /etc/resolv.conf "$r/etc/resolv.conf"
printf '#!/bin/sh\\nexit 101\\n' >"$r/usr/sbin/policy-rc.d"
chmod 755 "$r/usr/sbin/policy-rc.d"
export DEBIAN_FRONTEND=noninteractive
chroot "$r" apt-get -qq update
chroot "$r" apt-get -qq install --no-install-recommends linux-image-cloud-amd64 "$@"
rm "$r/usr/sbin/policy-rc.d"
chroot "$r" systemctl enable systemd-networkd
echo "nameserver $n" >"$r/etc/resolv.conf"`;
