import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, type RunResult, run, runChecked } from '../../scripts/process.ts';
import { eventually } from '../e2e/computer.ts';

/** A libvirtd of the test's own: what it keeps is in a directory, seen by the programs alone that are run beside it. */
export type Libvirt = {
  run(argv: string[], options?: RunOptions): Promise<RunResult>;
  /** The names of its machines, running or not. */
  machines(): Promise<string[]>;
  /** Ends it, and takes away what it has made of networks. */
  stop(): Promise<void>;
};

const forwarding = '/proc/sys/net/ipv4/ip_forward';

export async function startLibvirt(directory: string, env: Record<string, string>): Promise<Libvirt> {
  for (const name of ['etc', 'lib', 'run', 'log', 'cache'])
    mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(join(directory, 'qemu.conf'), qemuConf);
  const before = { tables: await tables(), forwarding: readFileSync(forwarding, 'utf8') };
  const child = spawn('unshare', ['--mount', 'sh', '-euc', start, 'sh', directory], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = once(child, 'exit');
  const inside = (argv: string[], options: RunOptions = {}) =>
    run(['nsenter', `--target=${child.pid}`, '--mount', `--wdns=${options.cwd ?? directory}`, ...argv], {
      ...options,
      env: { ...env, ...options.env },
    });
  const virsh = async (...words: string[]) => {
    const { stdout } = await inside(['virsh', '--connect', 'qemu:///system', ...words]);
    return stdout.split('\n').filter(Boolean);
  };
  await eventually('libvirtd', 120, async () => (await virsh('uri')).length > 0 || undefined);
  return {
    run: inside,
    machines: () => virsh('list', '--all', '--name'),
    async stop() {
      for (const name of await virsh('list', '--name')) await virsh('destroy', name);
      for (const name of await virsh('net-list', '--name')) await virsh('net-destroy', name);
      child.kill('SIGTERM');
      await ended;
      // Its rules go with its networks, the tables that iptables had made for them do not.
      for (const table of (await tables()).filter((each) => !before.tables.includes(each)))
        await runChecked(['nft', 'delete', ...table.split(' ')]);
      if (before.forwarding !== readFileSync(forwarding, 'utf8'))
        writeFileSync(forwarding, before.forwarding);
    },
  };
}

/** Those of iptables, e.g. `table ip filter`; other tests have tables of their own. */
async function tables(): Promise<string[]> {
  const { stdout } = await runChecked(['nft', 'list', 'tables']);
  return stdout.split('\n').filter((table) => /^table ip6? (filter|nat|mangle|raw)$/.test(table));
}

/** It probes KVM otherwise, and wants control groups and security modules that a computer of tests may lack. */
const qemuConf = `namespaces = []
cgroup_controllers = []
security_driver = "none"
remember_owner = 0
stdio_handler = "file"
user = "root"
group = "root"
`;

/** $1 is the directory. A `/dev/kvm` that is there and does not work would cost each start a minute. */
const start = `d=$1
cp -a /etc/libvirt/. "$d/etc/"
cp "$d/qemu.conf" "$d/etc/qemu.conf"
mkdir -p /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt
mount --bind "$d/etc" /etc/libvirt
mount --bind "$d/lib" /var/lib/libvirt
mount --bind "$d/run" /run/libvirt
mount --bind "$d/log" /var/log/libvirt
mount --bind "$d/cache" /var/cache/libvirt
if [ -e /dev/kvm ]; then : >"$d/no-kvm"; chmod 000 "$d/no-kvm"; mount --bind "$d/no-kvm" /dev/kvm; fi
exec libvirtd >"$d/libvirtd.log" 2>&1`;
