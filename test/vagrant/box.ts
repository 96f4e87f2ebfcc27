import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';
import { makeDisk, makeRootfs } from '../qemu/disk.ts';

/** What the box has from the start, of what an apply would install; the machine that comes of it is bare otherwise. */
const packages = [
  ...['nginx', 'postgresql', 'openssl', 'logrotate', 'libatomic1', 'git', 'tzdata', 'systemd-timesyncd'],
  ...['nftables', 'fail2ban', 'python3-systemd', 'unattended-upgrades', 'needrestart', 'debsums'],
  ...['libpam-passwdqc', 'libpam-systemd', 'sudo', 'ca-certificates', 'procps'],
];

/**
 * Adds the box `berth-test` for libvirt to a VAGRANT_HOME: Debian as boxes have it, with the user `vagrant`, whom
 * Vagrant's well-known key lets in and who may sudo. What only an emulated machine needs is in that home's Vagrantfile,
 * which Vagrant reads before the repository's.
 */
export async function addBox(options: {
  tar: string;
  directory: string;
  vagrantHome: string;
}): Promise<void> {
  const { tar, directory, vagrantHome } = options;
  const env = { VAGRANT_HOME: vagrantHome, VAGRANT_CHECKPOINT_DISABLE: '1' };
  // Puts its well-known keys there.
  await runChecked(['vagrant', 'box', 'list'], { env, cwd: directory });
  const [key = ''] = globSync(join(vagrantHome, '{insecure_private_key,insecure_private_keys/*rsa}'));
  const publicKey = (await runChecked(['ssh-keygen', '-y', '-f', key])).stdout;
  const { rootfs, kernel, initrd } = await makeRootfs({
    ...{ tar, directory, packages, files: filesFor(publicKey), nameserver: '192.168.121.1' },
  });
  await runChecked(['chroot', rootfs, 'sh', '-euc', makeUser]);
  const disk = join(directory, 'disk.img');
  await makeDisk(rootfs, disk, '10G');
  const content = join(directory, 'box');
  mkdirSync(content);
  await runChecked(['qemu-img', 'convert', '-O', 'qcow2', disk, join(content, 'box.img')]);
  rmSync(disk);
  const metadata = { provider: 'libvirt', format: 'qcow2', virtual_size: 10 };
  writeFileSync(join(content, 'metadata.json'), JSON.stringify(metadata));
  const box = join(directory, 'berth-test.box');
  await runChecked(['tar', '--create', '--sparse', `--file=${box}`, `--directory=${content}`, '.']);
  await runChecked(['vagrant', 'box', 'add', '--name', 'berth-test', box], { env, cwd: directory });
  for (const path of [box, content]) rmSync(path, { recursive: true });
  writeFileSync(join(vagrantHome, 'Vagrantfile'), emulation({ kernel, initrd }));
}

const makeUser = `useradd --create-home --shell /bin/bash vagrant
chown -R vagrant:vagrant /home/vagrant
chmod 700 /home/vagrant/.ssh
chmod 600 /home/vagrant/.ssh/authorized_keys
chmod 440 /etc/sudoers.d/vagrant`;

function filesFor(publicKey: string): Record<string, string> {
  return {
    'home/vagrant/.ssh/authorized_keys': publicKey,
    'etc/sudoers.d/vagrant': 'vagrant ALL=(ALL) NOPASSWD: ALL\n',
    'etc/hostname': 'debian\n',
    'etc/hosts': '127.0.0.1 localhost\n127.0.1.1 debian\n',
    'etc/systemd/network/20-wired.network': `[Match]
Type=ether
[Link]
MTUBytes=${outerMtu()}
[Network]
DHCP=yes
[DHCPv4]
ClientIdentifier=mac
`,
  };
}

/** Of what leads out of this computer; larger packets would get lost. */
function outerMtu(): string {
  const [, ...routes] = readFileSync('/proc/net/route', 'utf8')
    .split('\n')
    .map((line) => line.split('\t'));
  const link = routes.find(([, to]) => to === '00000000')?.[0] ?? 'eth0';
  return readFileSync(`/sys/class/net/${link}/mtu`, 'utf8').trim();
}

/** Without KVM, and with a CPU on which QEMU's emulation runs stably. */
function emulation({ kernel, initrd }: { kernel: string; initrd: string }): string {
  return `Vagrant.configure('2') do |config|
  config.vm.boot_timeout = 600
  config.vm.provider :libvirt do |libvirt|
    libvirt.driver = 'qemu'
    libvirt.cpu_mode = 'custom'
    libvirt.cpu_model = 'Conroe'
    libvirt.graphics_type = 'none'
    libvirt.video_type = 'none'
    libvirt.disk_driver cache: 'unsafe'
    libvirt.kernel = '${kernel}'
    libvirt.initrd = '${initrd}'
    libvirt.cmd_line = 'root=/dev/vda rw console=ttyS0'
  end
end
`;
}
