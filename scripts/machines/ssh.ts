import { homedir } from 'node:os';
import { join } from 'node:path';
import { BerthError } from '../../provisioning/errors.ts';
import { answering } from '../answering.ts';
import { atPorts, keptPort } from '../ports.ts';
import { runChecked } from '../process.ts';
import type { Report } from '../report.ts';
import { writeAtomic } from './atomic.ts';
import type { Machine, Reach } from './machine.ts';
import { sshPath } from './ssh-path.ts';

export type SshOptions = {
  /** The hosts file's name. */
  name: string;
  /** A name, an address, or an alias of the person's own OpenSSH configuration. */
  host: string;
  /** Where sshd listens once the settings are applied; default 22. */
  sshPort?: number;
  /** What the person's OpenSSH configuration says where these are absent. */
  port?: number;
  identity?: string;
  /** The first contact's user; default `root`. */
  user?: string;
  /** The user that Berth makes, who is let in later on. */
  admin?: string;
  /** Names by which people reach the machine, besides the host's own; the first is the main one. */
  names?: string[];
  /** Where an OpenSSH configuration is kept if one is needed, e.g. `<checkout>/.berth`. */
  stateDirectory: string;
  signal?: AbortSignal;
};

/**
 * A machine that exists: rented, bought or made by other means. It is reached by the person's own OpenSSH
 * configuration (keys, agent, jump hosts, known hosts); Berth never switches it off and never deletes it.
 */
export function sshMachine(options: SshOptions): Machine {
  const check = (report: Report) => assertReachable(options, report);
  return {
    kind: 'ssh',
    create: check,
    start: check,
    stop: async () => {
      throw notOurs(
        options,
        'switched off',
        'sudo systemctl poweroff on it, or switch it off where it was rented',
      );
    },
    destroy: async () => {
      throw notOurs(options, 'deleted', 'delete it where it was rented or made');
    },
    // Asking would take a connection; whoever needs it learns the truth by connecting.
    state: async () => 'running',
    reach: () => reachOf(options),
  };
}

/** The options that differ from the person's own configuration, which then follows; the first value counts. */
export function sshConfigFor({ host, port, identity }: SshOptions, home: string): string | undefined {
  if (port === undefined && identity === undefined) return undefined;
  return [
    '# Written by Berth: what the hosts file says, then your own configuration.',
    `Host ${host}`,
    ...(port === undefined ? [] : [`  Port ${port}`]),
    ...(identity === undefined ? [] : [`  IdentityFile ${sshPath(identity)}`, '  IdentitiesOnly yes']),
    'Match all',
    `  Include ${sshPath(join(home, '.ssh/config'))}`,
    '  Include /etc/ssh/ssh_config',
    '',
  ].join('\n');
}

async function reachOf(options: SshOptions): Promise<Reach> {
  const text = sshConfigFor(options, homedir());
  const sshConfig =
    text === undefined ? undefined : join(options.stateDirectory, 'machines', options.name, 'ssh_config');
  if (text !== undefined && sshConfig !== undefined) writeAtomic(sshConfig, text, 0o600);
  const given = sshConfig === undefined ? [] : ['-F', sshConfig];
  const { stdout } = await runChecked(['ssh', ...given, '-G', '--', options.host]);
  // An alias is nothing that a browser or a certificate would know.
  const hostname = /^hostname (.+)$/m.exec(stdout)?.[1] ?? options.host;
  const reach = {
    ...(sshConfig === undefined ? {} : { sshConfig }),
    alias: options.host,
    firstUser: options.user ?? 'root',
    names: [...new Set([...(options.names ?? []), hostname])],
  };
  const applied = keptPort(join(options.stateDirectory, 'machines', options.name));
  return atPorts(reach, { sshPort: options.sshPort, given: options.port, applied });
}

async function assertReachable(options: SshOptions, report: Report): Promise<void> {
  const { name, host, admin, signal } = options;
  const reach = await reachOf(options);
  await report.step(`reaches the machine ${name} (${host})`, () =>
    answering(reach, admin ?? reach.firstUser, signal),
  );
}

function notOurs({ name, host }: SshOptions, done: string, hint: string): BerthError {
  return new BerthError(
    'machine_not_ours',
    `the machine ${name} (${host}) was not made by Berth and is not ${done} by it`,
    hint,
  );
}
