import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runChecked } from '../../process.ts';
import { sshPath } from '../ssh-path.ts';
import type { Place } from './place.ts';

/** The key pair by which the person reaches this machine and no other. Returns the public key. */
export async function ensureKey({ key, name }: Place): Promise<string> {
  if (!existsSync(key)) await makeKey(key, `berth-${name}`);
  return readFileSync(`${key}.pub`, 'utf8').trim();
}

/** ssh-keygen creates a private key with mode 0600; it appears under its name only when it is whole. */
export async function makeKey(path: string, comment: string): Promise<void> {
  const partial = `${path}.partial`;
  await rm(partial, { force: true });
  await runChecked(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', partial]);
  chmodSync(`${partial}.pub`, 0o644);
  renameSync(`${partial}.pub`, `${path}.pub`);
  renameSync(partial, path);
}

/** The public host keys of a machine as its own disk has them: better than anything the network could say. */
export function hostKeys(rootfs: string): string[] {
  const directory = join(rootfs, 'etc/ssh');
  return readdirSync(directory)
    .filter((name) => /^ssh_host_\w+_key\.pub$/.test(name) && lstatSync(join(directory, name)).isFile())
    .sort()
    .map((name) => readFileSync(join(directory, name), 'utf8').trim().split(' ').slice(0, 2).join(' '));
}

export function knownHosts(name: string, keys: string[]): string {
  return keys.map((key) => `${name} ${key}\n`).join('');
}

/** Reaches the machine as `ssh -F FILE <name>`; its host keys are pinned, so nobody is ever asked about them. */
export function sshConfig(place: Place, address: string, user: string): string {
  return `# Written by Berth whenever the machine starts.
Host ${place.name}
  HostName ${address}
  User ${user}
  IdentityFile ${sshPath(place.key)}
  IdentitiesOnly yes
  HostKeyAlias ${place.name}
  UserKnownHostsFile ${sshPath(place.knownHosts)}
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  UpdateHostKeys no
  PreferredAuthentications publickey
  ConnectTimeout 10
  ServerAliveInterval 15
  ServerAliveCountMax 4
`;
}
