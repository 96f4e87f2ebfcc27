import { BerthError } from '../provisioning/errors.ts';
import type { Context } from './command.ts';
import { askHidden } from './hidden.ts';
import { lastLines, run } from './process.ts';
import type { RemoteResult } from './ssh.ts';

type Asking = Pick<Context, 'io' | 'signal'>;

/** What a command says whose `sudo -n` was refused, by sudo and by sudo-rs. */
export function sudoAsks({ code, stderr }: RemoteResult): boolean {
  return code === 1 && /^sudo: .*(password is required|authentication is required)/m.test(stderr);
}

/**
 * The password that `sudo` wants of a user: from the person at the terminal, else from the program SUDO_ASKPASS, which
 * gets the question as its argument and prints the answer (sudo(8)). `accepts` tries one.
 *
 * @throws BerthError `sudo_password_needed` where nobody can be asked, `sudo_refused`
 */
export async function sudoPassword(
  asking: Asking,
  who: string,
  accepts: (password: string) => Promise<RemoteResult>,
): Promise<string> {
  const person = asking.io.stdin.isTTY === true;
  const question = `Password of ${who} for sudo: `;
  for (let tries = person ? 3 : 1; ; tries -= 1) {
    const password = person ? await askHidden(asking, question) : await askProgram(asking, question, who);
    const { code, stderr } = await accepts(password);
    if (code === 0) return password;
    const refusal = /.*(not in the sudoers|may not run|not allowed|can't do that).*/.exec(stderr)?.[0];
    if (refusal !== undefined) throw refused(who, refusal.trim());
    if (tries <= 1) throw refused(who, 'that is not the password');
    asking.io.stderr.write('Sorry, that is not the password.\n');
  }
}

async function askProgram({ io, signal }: Asking, question: string, who: string): Promise<string> {
  const program = io.env.SUDO_ASKPASS;
  if (!program) {
    throw new BerthError(
      'sudo_password_needed',
      `sudo asks for the password of ${who}, and nobody is there to type it`,
      'run it at a terminal, or let the program SUDO_ASKPASS print the password',
    );
  }
  const { code, stdout, stderr } = await run([program, question], { signal });
  if (code === 0) return stdout.replace(/\r?\n$/, '');
  throw refused(who, `${program} ended with ${code}: ${lastLines(stderr, 1)}`);
}

function refused(who: string, reason: string): BerthError {
  return new BerthError(
    'sudo_refused',
    `sudo does not let ${who} become root: ${reason}`,
    'log in as root or as a user who may use sudo for everything (machine.user)',
  );
}
