import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { BerthError } from '../../../provisioning/errors.ts';

/** Where one container machine lives on this computer, and what it is called there. Nothing here touches the disk. */
export type Place = {
  name: string;
  /**
   * What nspawn, the unit and the control group are called. Derived from the machine's directory, so two checkouts
   * with a machine `local` each never meet; 12 characters, or nspawn shortens `vb-<id>` to fit an interface name.
   */
  id: string;
  /** Everything of this machine: `<state>/machines/<name>`. */
  directory: string;
  /** The marker that says the directory is ours, and what the machine is. */
  record: string;
  rootfs: string;
  /** A root file system that is being unpacked or deleted; never a machine. */
  partial: string;
  /** What the container's console said since it was started. */
  console: string;
  key: string;
  knownHosts: string;
  sshConfig: string;
  /** Images of this checkout: `<state>/images`. */
  images: string;
};

/** Throws BerthError `machine_name_invalid`, `path_unusable`. */
export function placeOf(stateDirectory: string, name: string): Place {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    throw new BerthError(
      'machine_name_invalid',
      `the machine name ${JSON.stringify(name)} is not a host name`,
      'use lower-case letters, digits and hyphens, e.g. provisioning/hosts/local.yml',
    );
  }
  const state = resolve(stateDirectory);
  const directory = join(state, 'machines', name);
  refuseOddPath(directory);
  const rootfs = join(directory, 'rootfs');
  return {
    name,
    id: `bm-${createHash('sha256').update(directory).digest('hex').slice(0, 9)}`,
    directory,
    record: join(directory, 'machine.json'),
    rootfs,
    partial: `${rootfs}.partial`,
    console: join(directory, 'console.log'),
    key: join(directory, 'id_ed25519'),
    knownHosts: join(directory, 'known_hosts'),
    sshConfig: join(directory, 'ssh_config'),
    images: join(state, 'images'),
  };
}

/** ssh_config has no way to write these inside quotes; everything else, spaces included, works. */
function refuseOddPath(directory: string): void {
  if (!/["\\\n\r]|\$\{/.test(directory)) return;
  throw new BerthError(
    'path_unusable',
    `the path ${JSON.stringify(directory)} holds a character that an OpenSSH configuration cannot express`,
    'move the checkout to a directory without quotes, backslashes and dollar signs in its name',
  );
}
