import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runChecked } from '../../scripts/process.ts';
import { makeDisk, makeRootfs } from './disk.ts';

/** A machine with a kernel of its own, emulated: it can lose its power. */
export type Emulated = {
  sshPort: number;
  httpsPort: number;
  /** The private key's file that logs in as root. */
  identity: string;
  publicKey: string;
  hostKey: string;
  /** Runs a shell line there and returns what it says; rejects unless it exits 0. */
  ssh(user: string, line: string): Promise<string>;
  /** Power off and on again at once: what the kernel had not written to the disk is lost. */
  reset(): Promise<void>;
  stop(): Promise<void>;
};

export type EmulatedOptions = {
  /** The tar of a container machine's image. */
  tar: string;
  /** Where its disk and keys are made. */
  directory: string;
  name: string;
  /** Debian packages that it has from the start: an apply inside takes ten times as long for them. */
  packages: string[];
};

/** Makes a disk from the image of a container machine, with a kernel, and boots it. */
export async function startEmulated({ tar, directory, name, packages }: EmulatedOptions): Promise<Emulated> {
  const identity = join(directory, 'key');
  await runChecked(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', identity]);
  const publicKey = readFileSync(`${identity}.pub`, 'utf8').trim();
  const { rootfs, kernel, initrd } = await makeRootfs({
    ...{ tar, directory, packages, files: filesFor(name, publicKey), nameserver: '10.0.2.3' },
  });
  const disk = join(directory, 'disk.img');
  await makeDisk(rootfs, disk, '6G');
  const [sshPort, httpsPort] = [await freePort(), await freePort()];
  const socket = join(directory, 'qmp.sock');
  const forward = [`hostfwd=tcp:127.0.0.1:${sshPort}-:22`, `hostfwd=tcp:127.0.0.1:${httpsPort}-:443`];
  const argv = [
    // One processor: with two, each emulated by a thread of its own, V8 has died of what cannot be ("Check failed").
    ...['-accel', 'tcg', '-cpu', 'Conroe', '-smp', '1', '-m', '2560', '-display', 'none'],
    ...['-kernel', kernel, '-initrd', initrd, '-append', 'root=/dev/vda rw console=ttyS0'],
    ...['-drive', `file=${disk},if=virtio,format=raw,cache=writeback`],
    ...['-nic', `user,model=virtio-net-pci,${forward}`, '-qmp', `unix:${socket},server,nowait`],
    ...['-serial', `file:${join(directory, 'console.log')}`],
  ];
  const child = spawn('qemu-system-x86_64', argv, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = once(child, 'exit');
  const hostKey = readFileSync(join(rootfs, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8').trim();
  return {
    ...{ sshPort, httpsPort, identity, publicKey, hostKey },
    async ssh(user, line) {
      const options = ['-F', join(directory, '.ssh/config'), '-o', 'BatchMode=yes', '-i', identity];
      const argv = ['ssh', ...options, '-p', String(sshPort), `${user}@127.0.0.1`, line];
      return (await runChecked(argv)).stdout;
    },
    reset: () => command(socket, 'system_reset'),
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function filesFor(name: string, publicKey: string): Record<string, string> {
  return {
    'root/.ssh/authorized_keys': `${publicKey}\n`,
    'etc/hostname': `${name}\n`,
    // As every installation has it; PostgreSQL cannot start without.
    'etc/hosts': '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n',
    'etc/systemd/network/20-wired.network': '[Match]\nType=ether\n[Network]\nDHCP=yes\n',
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** One command over QEMU's machine protocol, which greets and wants a handshake before. */
async function command(path: string, execute: string): Promise<void> {
  const socket = connect(path);
  const lines = createInterface({ input: socket });
  const words = ['qmp_capabilities', execute];
  for await (const line of lines) {
    const said = JSON.parse(line) as { error?: unknown; event?: string };
    if (said.error) throw new Error(`QEMU refuses: ${line}`);
    if (said.event) continue;
    const next = words.shift();
    if (next === undefined) break;
    socket.write(`${JSON.stringify({ execute: next })}\n`);
  }
  socket.destroy();
}
