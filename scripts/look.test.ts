import assert from 'node:assert/strict';
import { hostFileText } from './host-file-text.ts';
import { lookedFrom } from './look.ts';
import { parseHostFile } from './settings.ts';

/** As a bare Debian 13 container machine said it, to root. */
const debian = `clock 1795274400.250000000
system Linux
os PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
os ID=debian
os VERSION_ID="13"
cpu x86_64
hostname vps
systemd yes
virtual systemd-nspawn
cpus 2
memory 3976192
swap 0
disk 39973924 31000000
zone Etc/UTC
port 22
user root
sudo root
listens LISTEN 0      128          0.0.0.0:22        0.0.0.0:*    users:(("sshd",pid=97,fd=3))
listens LISTEN 0      128             [::]:22           [::]:*    users:(("sshd",pid=97,fd=4))
listens LISTEN 0      511             [::]:80           [::]:*    users:(("apache2",pid=9,fd=4),("apache2",pid=8,fd=4))
listens LISTEN 0      100        127.0.0.1:25        0.0.0.0:*    users:(("master",pid=7,fd=4))
listens LISTEN 0      128    [fe80::1]%eth0:546         [::]:*
end`.split('\n');

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVOrQiEVMlYvJULkRlZh1A8f0I/KbQnEcMDUHfgL1iP you@laptop';
const changed = (from: string, to: string) => debian.map((line) => line.replace(from, to));

describe('a look at a machine', () => {
  const looked = lookedFrom(debian, 1_795_274_400_000);

  it('says what it is', () => {
    const { system, cpu, cpus, memoryMiB, disk, clockAheadSeconds, sudo, sshPort, applied } = looked;
    assert.deepEqual(
      [system, cpu, cpus, memoryMiB, disk.freeMiB, clockAheadSeconds, sudo, sshPort, applied],
      ['Debian GNU/Linux 13 (trixie)', 'x86-64', 2, 3883, 30273, 0.3, 'root', 22, false],
    );
  });

  it('lists what is reached from elsewhere', () => {
    assert.deepEqual(looked.listens, [
      { port: 22, programs: ['sshd'] },
      { port: 80, programs: ['apache2'] },
      { port: 546, programs: [] },
    ]);
  });

  it('takes nothing that a machine calls itself for a setting', () => {
    const evil = lookedFrom(changed('os PRETTY_NAME="Debian GNU/Linux 13 (trixie)"', 'os PRETTY_NAME="D'), 0);
    assert.equal(evil.system, 'D');
    const parts = {
      name: 'vps',
      host: '203.0.113.7',
      user: 'root',
      admin: 'deploy',
      keys: [key],
      domains: [],
    };
    for (const system of ['D\nhostname: evil', 'D\rhostname: evil', 'D\u2028hostname: evil']) {
      const text = hostFileText({ ...parts, looked: { ...looked, system }, date: '2026-11-21' });
      const file = parseHostFile(text, { name: 'vps', path: 'vps.yml', root: '/' });
      assert.doesNotMatch(JSON.stringify(file), /evil/);
    }
  });

  it('refuses what Berth does not support, by name', () => {
    for (const [from, to, error] of [
      ['VERSION_ID="13"', 'VERSION_ID="11"', { code: 'unsupported_distribution', message: /Debian GNU/ }],
      ['system Linux', 'system FreeBSD', { code: 'unsupported_distribution', message: /runs FreeBSD/ }],
      ['cpu x86_64', 'cpu riscv64', { code: 'unsupported_architecture', message: /riscv64/ }],
      ['systemd yes', '', { code: 'no_systemd' }],
    ] as const)
      assert.throws(() => lookedFrom(changed(from, to), 0), error);
  });
});
