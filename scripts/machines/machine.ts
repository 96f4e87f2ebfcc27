import type { Report } from '../report.ts';
import type { MachineKind } from '../settings/schema.ts';

/**
 * A provider of machines. After `create` every machine is the same to the rest of Berth: an SSH destination.
 */
export type Machine = {
  readonly kind: MachineKind;
  /** Makes the machine where there is none, starts it, and returns once its sshd answers. Idempotent. */
  create(report: Report): Promise<void>;
  /** Starts a machine that exists; returns once its sshd answers. Idempotent. */
  start(report: Report): Promise<void>;
  /** Powers the machine off in an orderly way. Idempotent. */
  stop(report: Report): Promise<void>;
  /** Takes away the machine and everything on this computer that was made for it. Idempotent. */
  destroy(report: Report): Promise<void>;
  state(): Promise<MachineState>;
  /** How the machine is reached. Throws BerthError `machine_absent` where there is none. */
  reach(): Promise<Reach>;
};

export type MachineState = 'absent' | 'stopped' | 'running';

export type Reach = {
  /** An OpenSSH configuration file (absolute path) that knows `alias`; undefined: the person's own. */
  sshConfig?: string;
  /** What to give to ssh as the host. */
  alias: string;
  /** The port; left out: what the configuration says. */
  port?: number;
  /** The same at other ports, where it may listen still or already while `ssh.port` changes. */
  elsewhere?: Reach[];
  /** The last apply from here left it at this port. */
  sure?: true;
  /** The user of the first contact, before the admin user exists; e.g. `root`. */
  firstUser: string;
  /** The public key that the machine was made with, to be the admin user's unless the settings name some. */
  publicKey?: string;
  /** The names and addresses by which people reach it, the first is the main one; e.g. `10.77.0.2`. */
  names: string[];
  /** Of a machine of Vagrant's: the ports of this computer that lead to nginx, and the host name, as it was told. */
  vagrant?: { httpPort: number; httpsPort: number; hostname: string };
};
