import { BerthError } from '../provisioning/errors.ts';
import type { Reach } from './machines/machine.ts';

/**
 * Where sshd is to be found: at `ssh.port`, and before the apply that changes it where the machine was reached so far.
 * `given` is `machine.port`, which a forward may make another one than sshd's own.
 */
export function atPorts(reach: Reach, sshPort: number, given: number | undefined): Reach {
  const first = sshPort === 22 ? given : sshPort;
  const others = first === undefined ? [] : [given, 22, sshPort];
  const [port, ...rest] = new Set([first, ...others]);
  const at = (port: number | undefined): Reach => (port === undefined ? reach : { ...reach, port });
  // 22 is what no port stands for, but for an alias of the person's own configuration.
  return rest.length === 0 ? at(port) : { ...at(port), elsewhere: rest.map(at) };
}

/** Tries one port after the other, as long as nothing answers. */
export async function atAnyPort<T>(reach: Reach, attempt: (reach: Reach) => Promise<T>): Promise<T> {
  let first: unknown;
  for (const one of [reach, ...(reach.elsewhere ?? [])]) {
    try {
      return await attempt(one);
    } catch (error) {
      if (!(error instanceof BerthError) || error.code !== 'machine_unreachable') throw error;
      first ??= error;
    }
  }
  throw first;
}
