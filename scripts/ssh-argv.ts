import { BerthError } from '../provisioning/errors.ts';
import type { Reach } from './machines/machine.ts';

/** The ssh that carries a command of ours: it never asks, never shares a connection, and notices a dead peer in 15 s. */
export function remoteArgv(reach: Reach, user: string, command: readonly string[]): string[] {
  return [
    ...['ssh', '-T', '-a', '-x', ...configOf(reach)],
    ...['-o', 'BatchMode=yes', '-o', 'ClearAllForwardings=yes', '-o', 'ConnectTimeout=10'],
    ...unshared,
    ...['-l', user, '--', reach.alias, remoteCommand(command)],
  ];
}

/** The ssh of a person: a shell, or a command with the person's own terminal where there is one. */
export function personalArgv(
  reach: Reach,
  user: string,
  command: readonly string[],
  terminal: boolean,
): string[] {
  return [
    ...['ssh', terminal ? '-t' : '-T', ...configOf(reach), ...unshared, '-l', user, '--', reach.alias],
    ...(command.length === 0 ? [] : [remoteCommand(command)]),
  ];
}

/**
 * The one place where a command becomes text: ssh joins its arguments with spaces and the login shell of the
 * other side splits them again (ssh(1)), so every word is quoted for a POSIX shell.
 */
export function remoteCommand(argv: readonly string[]): string {
  return argv.map(quoted).join(' ');
}

const unshared = [
  ...['-o', 'ControlMaster=no', '-o', 'ControlPath=none'],
  ...['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'],
];

function configOf({ sshConfig }: Reach): string[] {
  return sshConfig === undefined ? [] : ['-F', sshConfig];
}

function quoted(word: string): string {
  if (word.includes('\0')) {
    throw new BerthError(
      'argument_invalid',
      `${JSON.stringify(word)} holds a NUL`,
      'leave the NUL out: no command can take one',
    );
  }
  return /^[\w/.,:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
