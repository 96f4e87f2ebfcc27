import type { Readable } from 'node:stream';
import { BerthError } from '../provisioning/errors.ts';
import type { Context } from './command.ts';
import type { Reach } from './machines/machine.ts';
import { atAnyPort } from './ports.ts';
import { type RemoteOptions, type RemoteResult, remote } from './ssh.ts';
import { canAsk, openSession, type Session, settleHostKey } from './ssh-session.ts';
import { sudoAsks, sudoPassword } from './sudo-password.ts';

/**
 * Runs a command on one machine, as a user that it lets in. The input is made for each try: a stream that a refused
 * user has begun to take would be a piece short for the next.
 */
export type Connect = (argv: readonly string[], options: ConnectOptions) => Promise<RemoteResult>;
export type ConnectOptions = Omit<RemoteOptions, 'input' | 'control' | 'preamble'> & {
  input: () => string | Readable;
};

type Asking = Pick<Context, 'io' | 'signal' | 'turn' | 'atEnd'>;

/**
 * For a remote script: root's own way, or sudo's. Where BERTH_SUDO is set the first line of standard input is a password:
 * taken away where sudo does not want it. `-k` lets it be asked for each time, whatever sudo remembers.
 */
export const asRoot = `s= p='env LC_ALL=C.UTF-8 sudo'
if [ "$(id -u)" != 0 ]; then s="$p -n"; fi
if [ -n "\${BERTH_SUDO-}" ]; then
  if [ -z "$s" ] || $p -k -n true </dev/null >/dev/null 2>&1; then IFS= read -r p; else s="$p -k -S"; fi
fi`;

/**
 * Connects as the first of `users` that the machine lets in by key, and stays with that one while it does. Where none
 * is, and somebody is there to ask, the last of them logs in as ssh lets people do it, by one connection that is used
 * until the run ends. A host key that was never seen is ssh's own question at a terminal; sudo's password is asked for
 * once.
 */
export function connectAs(asking: Asking, reach: Reach, users: string[]): Connect {
  let candidates = [...new Set(users)];
  let session: Session | undefined;
  let password: string | undefined;
  let settled = false;
  let at = reach;
  const first = candidates.at(-1) as string;

  const send = (
    one: Reach,
    user: string,
    argv: readonly string[],
    { input, ...options }: Given,
    control?: string,
  ) => {
    const known = password === undefined ? {} : { preamble: `${password}\n` };
    const command = password === undefined ? argv : ['env', 'BERTH_SUDO=asks', ...argv];
    return remote(one, user, command, { ...options, ...known, input: input(), control });
  };

  /** The port that answers comes first from then on. */
  async function byKey(argv: readonly string[], given: Given): Promise<Entered> {
    return atAnyPort(at, async (one) => {
      const entered = await byKeyAt(one, argv, given);
      at =
        one === at
          ? at
          : { ...one, elsewhere: [at, ...(at.elsewhere ?? [])].filter((other) => other !== one) };
      return entered;
    });
  }

  async function byKeyAt(one: Reach, argv: readonly string[], given: Given): Promise<Entered> {
    let last: unknown;
    for (const user of candidates) {
      try {
        const result = await send(one, user, argv, given);
        candidates = [user, ...candidates.filter((other) => other !== user)];
        return { user, result };
      } catch (error) {
        if (!isCode(error, 'ssh_auth_failed')) throw error;
        last = error;
      }
    }
    throw last;
  }

  async function bySession(argv: readonly string[], given: Given): Promise<Entered> {
    if (session === undefined) {
      const opened = await asking.turn(() => openSession(at, first, asking));
      session = opened;
      asking.atEnd(() => opened.close());
    }
    const { user, control } = session;
    return { user, result: await send(at, user, argv, given, control) };
  }

  async function enter(argv: readonly string[], given: Given): Promise<Entered> {
    // A session that has broken is one that ssh tried to do without, and without asking.
    const entered = session && (await bySession(argv, given).catch(unlessRefused));
    if (entered) return entered;
    session = undefined;
    return byKey(argv, given).catch((error) => byAsking(error, argv, given));
  }

  async function byAsking(error: unknown, argv: readonly string[], given: Given): Promise<Entered> {
    if (isCode(error, 'host_key_unknown') && atTerminal(asking) && !settled) {
      settled = true;
      await asking.turn(() => settleHostKey(at, first, asking));
      return enter(argv, given);
    }
    if (!isCode(error, 'ssh_auth_failed') || !canAsk(asking.io)) throw error;
    return bySession(argv, given);
  }

  return async (argv, given) => {
    const { user, result } = await enter(argv, given);
    if (password !== undefined || !sudoAsks(result)) return result;
    const { signal } = asking;
    const attempt = ['env', 'LC_ALL=C.UTF-8', 'sudo', '-k', '-S', 'true'];
    password = await asking.turn(() =>
      sudoPassword(asking, `${user}@${reach.alias}`, async (typed) => {
        return (await enter(attempt, { signal, input: () => `${typed}\n` })).result;
      }),
    );
    return (await enter(argv, given)).result;
  };
}

type Given = ConnectOptions;
type Entered = { user: string; result: RemoteResult };

function atTerminal({ io }: Asking): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY;
}

function unlessRefused(error: unknown): undefined {
  if (!isCode(error, 'ssh_auth_failed')) throw error;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof BerthError && error.code === code;
}
