import { BerthError } from '../provisioning/errors.ts';
import type { Reach } from './machines/machine.ts';
import { lastLines } from './process.ts';

/** What ssh says on standard error (in English, see `ssh.ts`) when it ends with 255, and what that means. */
const kinds: { said: RegExp; make: (match: RegExpExecArray, at: string) => BerthError }[] = [
  { said: /REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY/, make: hostKeyChanged },
  {
    said: /^Host key verification failed\.|^No \S+ host key is known for /m,
    make: (_match, at) =>
      new BerthError(
        'host_key_unknown',
        `the host key of ${at} is not known on this computer`,
        `compare its fingerprint with the one that the machine's owner gives, then say yes to it: run the same command at a terminal, or connect once by hand as machine.user`,
      ),
  },
  {
    said: /: Permission denied \([^)]*\)|Too many authentication failures|signing failed|UNPROTECTED PRIVATE KEY FILE/,
    make: (match, at) =>
      new BerthError(
        'ssh_auth_failed',
        `${at} does not let us in: ${line(match)}`,
        'check machine.user, machine.identity and admin.keys of the hosts file, and that ssh-agent has the key (ssh-add -l); for a password run it at a terminal, or set SSH_ASKPASS',
      ),
  },
  {
    said: /^(client_loop|Timeout, server|Connection to \S+ closed by remote host|Read from remote host|packet_write|.*message authentication code incorrect)/m,
    make: (match, at) =>
      new BerthError(
        'connection_lost',
        `the connection to ${at} broke: ${line(match)}`,
        'run the same command again; it goes on from where the machine is',
      ),
  },
  {
    said: /Connection refused|No route to host|timed out|Network is unreachable|Could not resolve hostname|Connection (closed|reset)|Host is down|during banner exchange|kex_exchange_identification/,
    make: (match, at) =>
      new BerthError(
        'machine_unreachable',
        `${at} does not answer: ${line(match)}`,
        'berth up starts a container machine; for another one check that it is on, and its address and firewall',
      ),
  },
];

/** The failure that ssh's own 255 stands for; undefined where ssh said nothing of its own: the command ended so. */
export function sshFailure(stderr: string, reach: Reach, user: string): BerthError | undefined {
  for (const { said, make } of kinds) {
    const match = said.exec(stderr);
    if (match) return make(match, `${user}@${reach.alias}`);
  }
  if (
    !/^(ssh: |Can't open user config file |Bad |.*: Bad |command-line|.*terminating, \d+ bad configuration)/m.test(
      stderr,
    )
  )
    return undefined;
  return new BerthError(
    'ssh_failed',
    `ssh to ${user}@${reach.alias} failed: ${lastLines(stderr, 3)}`,
    'mend what ssh names and run the same command again',
  );
}

function hostKeyChanged({ input }: RegExpExecArray, at: string): BerthError {
  const [, file, number] = /^Offending .*key in (.+):(\d+)/m.exec(input) ?? [];
  return new BerthError(
    'host_key_changed',
    `the host key of ${at} is not the one known so far${file ? ` (${file}:${number})` : ''}: another machine may be answering`,
    `only if you know why it changed: remove that line (ssh-keygen -R), then run the same command again`,
  );
}

/** The whole line of a match. */
function line({ input, index }: RegExpExecArray): string {
  const start = input.lastIndexOf('\n', index) + 1;
  return input.slice(start).split(/\r?\n/, 1)[0]?.trim() ?? '';
}
