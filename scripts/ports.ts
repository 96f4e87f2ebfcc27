import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import { writeAtomic } from './machines/atomic.ts';
import type { Reach } from './machines/machine.ts';

export type Ports = {
  /** Where sshd listens once the settings are applied; default 22. */
  sshPort?: number | undefined;
  /** `machine.port`, which a forward may make another one than sshd's own. */
  given?: number | undefined;
  /** Where it listens since the last apply from here. */
  applied?: number | undefined;
};

/** Where sshd is to be found: at `ssh.port`, and before the apply that changes it where it was so far. */
export function atPorts(reach: Reach, { sshPort = 22, given, applied }: Ports): Reach {
  const first = sshPort === 22 ? given : sshPort;
  const moved = applied === undefined || applied === sshPort ? [] : [applied];
  const others = first === undefined ? moved : [given, ...moved, 22, sshPort];
  const [port, ...rest] = new Set([first, ...others]);
  const at = (port: number | undefined): Reach => (port === undefined ? reach : { ...reach, port });
  // Where a forward leads to a moved sshd, its own port may lead nowhere.
  const sure = applied === sshPort && (sshPort === 22 || given === undefined || given === sshPort);
  // 22 is what no port stands for, but for an alias of the person's own configuration.
  return rest.length === 0 ? at(port) : { ...at(port), elsewhere: rest.map(at), ...(sure && { sure }) };
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

/** Writes down, in the machine's directory on this computer, where sshd listens now. */
export function keepPort(directory: string, port: number): void {
  if (keptPort(directory) !== port) writeAtomic(join(directory, 'port'), `${port}\n`, 0o644);
}

export function keptPort(directory: string): number | undefined {
  try {
    return Number(readFileSync(join(directory, 'port'), 'utf8')) || undefined;
  } catch {
    return undefined; // never applied from here
  }
}
