import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import type { Context } from './command.ts';
import type { Io } from './io.ts';
import type { Reach } from './machines/machine.ts';
import { closed, english, readLines } from './ssh.ts';
import { hostKeyArgv, sessionArgv } from './ssh-argv.ts';
import { sshFailure } from './ssh-failure.ts';
import { neutral } from './terminal.ts';

/** A connection that somebody had to be asked for: it carries the commands of this run, and ends with it. */
export type Session = {
  readonly user: string;
  /** The socket by which other ssh's use it. */
  readonly control: string;
  close(): Promise<void>;
};

type Asking = Pick<Context, 'io' | 'signal'>;

/** Whether ssh finds somebody to ask: a person at the terminal, or the program that stands in for one (ssh(1)). */
export function canAsk({ stdin, stderr, env }: Io): boolean {
  return (stdin.isTTY === true && stderr.isTTY) || Boolean(env.SSH_ASKPASS);
}

/**
 * Logs in with the person's own OpenSSH, which asks for passwords and passphrases in its own way: on the terminal, or
 * by SSH_ASKPASS. Throws as `remote` does.
 */
export async function openSession(reach: Reach, user: string, { io, signal }: Asking): Promise<Session> {
  // A socket's path may have 108 characters at most, and ssh adds 17 to it for a moment.
  const base = tmpdir().length > 60 ? '/tmp' : tmpdir();
  const directory = mkdtempSync(join(base, 'berth-ssh-'));
  const control = join(directory, 's');
  // Ends with us whatever becomes of us, for then its standard input does.
  const argv = sessionArgv(reach, user, ['sh', '-c', 'echo berth; exec cat >/dev/null'], control);
  // Ctrl-C is ours to act on. Of the same process group all the same, or ssh had no terminal to ask at.
  const child = spawn('sh', ['-c', 'trap "" INT; exec "$@"', 'sh', ...argv], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...english },
  });
  const ended = closed(child);
  const clear = () => rmSync(directory, { recursive: true, force: true });
  // Not SIGKILL, which would leave the terminal without an echo.
  const end = () => void child.kill('SIGTERM');
  signal.addEventListener('abort', end);
  process.once('exit', clear);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    // ssh's own lines end in CR LF; what it asks, it asks at the terminal itself.
    io.stderr.write(neutral(text.replaceAll('\r', '')));
  });
  child.stdin.on('error', () => {});
  const close = async () => {
    child.stdin.end();
    const late = setTimeout(end, 5000);
    await ended;
    clearTimeout(late);
    process.off('exit', clear);
    clear();
  };
  const ready = await Promise.race([said(child, 'berth'), ended.then(() => false)]);
  signal.removeEventListener('abort', end);
  if (ready) return { user, control, close };
  await close();
  signal.throwIfAborted();
  throw sshFailure(stderr, reach, user) ?? noShell(reach, user, stderr);
}

/** Lets ssh ask its own question about a host key that it has never seen; what is answered is kept in known_hosts. */
export async function settleHostKey(reach: Reach, user: string, { signal }: Asking): Promise<void> {
  const [program = '', ...args] = hostKeyArgv(reach, user);
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...english },
    signal,
    killSignal: 'SIGTERM',
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await closed(child);
  signal.throwIfAborted();
  const failure = sshFailure(stderr, reach, user);
  if (failure && failure.code !== 'ssh_auth_failed') throw failure;
}

/** True once the program has said this line; never where it ends before. */
function said({ stdout }: ChildProcess, wanted: string): Promise<boolean> {
  return new Promise((resolve) => {
    if (stdout) void readLines(stdout, (line) => line === wanted && resolve(true)).catch(() => {});
  });
}

function noShell({ alias }: Reach, user: string, stderr: string): BerthError {
  return new BerthError(
    'ssh_failed',
    `${user}@${alias} is let in, but gets no shell: ${stderr.trim()}`,
    'give that user a login shell, or log in as another one (machine.user)',
  );
}
