import { BerthError } from '../provisioning/errors.ts';
import type { Context } from './command.ts';
import type { Reach } from './machines/machine.ts';
import { atAnyPort } from './ports.ts';
import { remote } from './ssh.ts';

/**
 * The machine at the port where it answers. Who is let in there, and what a person has to be asked for it, is for what
 * follows.
 */
export function answering(reach: Reach, user: string, signal?: AbortSignal): Promise<Reach> {
  const options = { timeoutMs: 60_000, ...(signal && { signal }) };
  return atAnyPort(reach, async (at) => {
    try {
      await remote(at, user, ['true'], options);
    } catch (error) {
      if (!(error instanceof BerthError && answers.includes(error.code))) throw error;
    }
    return at;
  });
}

/** What only a machine says that is there. */
const answers = ['ssh_auth_failed', 'host_key_unknown'];

/** For what cannot try one port after the other: where the machine is now. Asks it only where that is not known. */
export async function reachNow({ reach, hostFile, signal }: Pick<Context, 'reach' | 'hostFile' | 'signal'>) {
  const known = await reach();
  if (known.elsewhere === undefined || known.sure) return known;
  return answering(known, (await hostFile()).settings.admin.user, signal);
}
