import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BerthError } from '../provisioning/errors.ts';
import type { Reach } from './machines/machine.ts';
import { personalArgv, remoteArgv } from './ssh-argv.ts';
import { sshFailure } from './ssh-failure.ts';

export type RemoteOptions = {
  /** The socket of a session (`ssh-session.ts`) whose connection carries the command. */
  control?: string | undefined;
  /** Sent to the command's standard input before `input`. */
  preamble?: string | undefined;
  /** Sent to the command's standard input, which then ends unless `holdInput`; default: none. */
  input?: string | Readable;
  /** Keeps standard input open until the command ends, so that its end tells the machine that we are gone. */
  holdInput?: boolean;
  /** Called with each line of the command's standard output as it comes. */
  onLine?: (line: string) => void;
  /** Kills ssh at once and rejects with the signal's reason. */
  signal?: AbortSignal;
  /** After this ssh is killed and BerthError `command_timeout` thrown; default: no limit. */
  timeoutMs?: number;
};

export type RemoteResult = {
  /** The command's exit code. */
  code: number;
  /** The last 16 Ki characters of its standard error. */
  stderr: string;
};

/**
 * Runs `argv` on a machine, without a terminal, and resolves whatever its exit code is.
 * Throws BerthError `machine_unreachable`, `connection_lost`, `ssh_auth_failed`, `host_key_changed`,
 * `host_key_unknown`, `ssh_failed`, `command_timeout`.
 */
export async function remote(
  reach: Reach,
  user: string,
  argv: readonly string[],
  options: RemoteOptions = {},
): Promise<RemoteResult> {
  const deadline = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
  const stop = AbortSignal.any([options.signal, deadline].filter((signal) => signal !== undefined));
  stop.throwIfAborted();
  const result = await converse(remoteArgv(reach, user, argv, options.control), options, stop);
  options.signal?.throwIfAborted();
  if (deadline?.aborted) throw tooLong(reach, argv, options.timeoutMs);
  const failure = result.code === 255 ? sshFailure(result.stderr, reach, user) : undefined;
  if (failure) throw failure;
  return result;
}

/** Gives the person's own terminal to ssh: a shell, or `argv` if it is not empty. Returns ssh's exit code. */
export async function interactive(
  reach: Reach,
  user: string,
  argv: readonly string[],
  { terminal }: { terminal: boolean },
): Promise<number> {
  const [program = '', ...args] = personalArgv(reach, user, argv, terminal);
  return closed(spawn(program, args, { stdio: 'inherit' }));
}

async function converse(argv: string[], options: RemoteOptions, stop: AbortSignal): Promise<RemoteResult> {
  const [program = '', ...args] = argv;
  // A group of its own: Ctrl-C is ours to act on, and a ProxyCommand dies with its ssh.
  const child = spawn(program, args, { detached: true, env: { ...process.env, ...english, ...silent } });
  const kill = () => killGroup(child);
  const ended = closed(child);
  stop.addEventListener('abort', kill);
  process.once('exit', kill);
  try {
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-16_384);
    });
    // The command may end without having read its input (EPIPE): its exit code is what counts.
    child.stdin.on('error', () => {});
    const sent = send(child.stdin, options).catch(() => {});
    const read = readLines(child.stdout, options.onLine ?? (() => {}));
    const [code] = await Promise.all([ended, read]);
    child.stdin.destroy();
    await sent;
    return { code, stderr };
  } catch (error) {
    kill();
    throw error;
  } finally {
    stop.removeEventListener('abort', kill);
    process.off('exit', kill);
  }
}

/** `ssh-failure.ts` reads ssh's words. Not plain `C`: Debian's ssh hands it on, and the machine would lose UTF-8. */
export const english = { LC_ALL: 'C.UTF-8' };

/** A jump host's ssh knows nothing of our BatchMode. */
const silent = { SSH_ASKPASS_REQUIRE: 'never' };

async function send(stdin: Writable, options: RemoteOptions): Promise<void> {
  const { input = '', holdInput = false, preamble } = options;
  if (preamble !== undefined) stdin.write(preamble);
  if (typeof input !== 'string') await pipeline(input, stdin, { end: !holdInput });
  else if (holdInput) stdin.write(input);
  else stdin.end(input);
}

export async function readLines(stdout: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  for await (const text of stdout.setEncoding('utf8')) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  }
  if (rest !== '') onLine(rest);
}

/** Resolves once the program has ended and its outputs are read: 128 + the signal's number, as a shell says it. */
export function closed(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    child.on('error', (cause) => reject(noSsh(cause)));
  });
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function noSsh(cause: Error): BerthError {
  return new BerthError(
    'program_missing',
    `ssh could not be started on this computer: ${cause.message}`,
    'install the OpenSSH client (Debian: apt-get install openssh-client) and run the same command again',
    { cause },
  );
}

function tooLong(reach: Reach, argv: readonly string[], timeoutMs = 0): BerthError {
  return new BerthError(
    'command_timeout',
    `${argv[0]} on ${reach.alias} was still running after ${timeoutMs / 1000} s and was given up`,
    'run the same berth command again; berth ssh shows what the machine is doing',
  );
}
