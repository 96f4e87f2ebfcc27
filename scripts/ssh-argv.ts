import { BerthError } from '../provisioning/errors.ts';
import type { Reach } from './machines/machine.ts';

/**
 * The ssh that carries a command of ours: it never asks and notices a dead peer in 15 s. It shares no connection but
 * that of a session (`ssh-session.ts`), whose socket is `control`.
 */
export function remoteArgv(
  reach: Reach,
  user: string,
  command: readonly string[],
  control?: string,
): string[] {
  return [
    ...['ssh', ...plain, ...configOf(reach), '-o', 'BatchMode=yes'],
    ...(control === undefined
      ? unshared
      : ['-o', 'ControlMaster=no', '-o', `ControlPath=${sshToken(control)}`]),
    ...alive,
    ...['-l', user, '--', reach.alias, remoteCommand(command)],
  ];
}

/** The ssh that may ask, and then keeps its connection for others at `control`, until its standard input ends. */
export function sessionArgv(
  reach: Reach,
  user: string,
  command: readonly string[],
  control: string,
): string[] {
  return [
    ...['ssh', ...plain, ...configOf(reach)],
    ...['-o', 'ControlMaster=yes', '-o', 'ControlPersist=no', '-o', `ControlPath=${sshToken(control)}`],
    ...alive,
    ...['-l', user, '--', reach.alias, remoteCommand(command)],
  ];
}

/** The ssh that only asks whether the host key is the right one: it is refused before anybody could log in. */
export function hostKeyArgv(reach: Reach, user: string): string[] {
  return [
    ...['ssh', ...plain, ...configOf(reach), '-o', 'PreferredAuthentications=none'],
    ...[...unshared, ...alive, '-l', user, '--', reach.alias, 'true'],
  ];
}

/** The ssh that only learns which methods a user is offered, by trying this one. */
export function methodsArgv(reach: Reach, user: string, method: string): string[] {
  return [
    ...['ssh', ...plain, ...configOf(reach), '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR'],
    ...['-o', `PreferredAuthentications=${method}`],
    ...[...unshared, ...alive, '-l', user, '--', reach.alias, 'true'],
  ];
}

/** The ssh that connects to nothing and says what its configuration comes to. */
export function routeArgv(reach: Reach): string[] {
  return ['ssh', '-T', ...configOf(reach), '-G', '--', reach.alias];
}

/** The ssh of a person: a shell, or a command with the person's own terminal where there is one. */
export function personalArgv(
  reach: Reach,
  user: string,
  command: readonly string[],
  terminal: boolean,
): string[] {
  return [
    ...[
      'ssh',
      terminal ? '-t' : '-T',
      ...configOf(reach),
      ...unshared,
      ...alive,
      '-l',
      user,
      '--',
      reach.alias,
    ],
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

/** No terminal, no forwarding of agent, windows and ports, and no command of the person's configuration. */
const plain = [
  ...['-T', '-a', '-x', '-o', 'ClearAllForwardings=yes', '-o', 'RemoteCommand=none'],
  ...['-o', 'ConnectTimeout=10'],
];
const unshared = ['-o', 'ControlMaster=no', '-o', 'ControlPath=none'];
const alive = ['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'];

/** In a path a percent sign would be a token (ssh_config(5)). */
function sshToken(path: string): string {
  return path.replaceAll('%', '%%');
}

function configOf({ sshConfig, port }: Reach): string[] {
  return [
    ...(sshConfig === undefined ? [] : ['-F', sshConfig]),
    ...(port === undefined ? [] : ['-p', `${port}`]),
  ];
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
