import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { atPorts, keptPort } from '../ports.ts';
import type { Report } from '../report.ts';
import { canonical } from './container/canonical.ts';
import { assertSudo, elevated } from './container/elevate.ts';
import { life } from './container/life.ts';
import type { LifeOptions } from './container/options.ts';
import { type Place, placeOf } from './container/place.ts';
import { recordOf } from './container/power.ts';
import { isRunning, leaderOf, startedAt } from './container/processes.ts';
import { parseRange } from './container/range.ts';
import type { ImageName } from './container/recipe.ts';
import { assertPrograms } from './container/requirements.ts';
import type { Machine, MachineState, Reach } from './machine.ts';

export { installPackages, requiredPackages } from './container/requirements.ts';

export type ContainerOptions = {
  /** The hosts file's name; also the machine's host name and its alias in ssh_config. */
  name: string;
  /** Where machines and images are kept, e.g. `<checkout>/.berth`. */
  stateDirectory: string;
  image: ImageName;
  /** A private IPv4 range in CIDR notation, shared by the machines of this computer; e.g. `10.77.0.0/24`. */
  network: string;
  /** A limit for everything inside, where the kernel can set one; default: none. The machine sees the computer's memory. */
  memoryMiB?: number;
  /** Where sshd listens once the settings are applied; default 22, where a new machine listens. */
  sshPort?: number;
  /** Whom `ssh -F ssh_config <name>` logs in as; default `deploy`. The first contact is root's. */
  user?: string;
  /** Stops what is going on; the next call completes or clears it. */
  signal?: AbortSignal;
};

/** What `berth status` shows of a container machine. */
export type ContainerDetails = {
  state: MachineState;
  /** The directory that holds all of it. */
  directory: string;
  image?: ImageName;
  address?: string;
  createdAt?: Date;
  runningSince?: Date;
};

/** A machine that is a systemd-nspawn container on this computer: a full systemd Debian in seconds. */
export function containerMachine(
  given: ContainerOptions,
): Machine & { details(): Promise<ContainerDetails> } {
  const options = { ...given, stateDirectory: canonical(given.stateDirectory) };
  const place = placeOf(options.stateDirectory, options.name);
  parseRange(options.network);
  const change = (verb: keyof typeof life) => (report: Report) => asRoot(verb, options, place, report);
  return {
    kind: 'container',
    create: change('create'),
    start: change('start'),
    stop: change('stop'),
    destroy: change('destroy'),
    state: async () => stateOf(place),
    reach: async () =>
      atPorts(reachOf(place), { sshPort: options.sshPort, applied: keptPort(place.directory) }),
    details: async () => detailsOf(place),
  };
}

async function asRoot(
  verb: keyof typeof life,
  options: ContainerOptions,
  place: Place,
  report: Report,
): Promise<void> {
  assertPrograms();
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const plain: LifeOptions = { ...options, user: options.user ?? 'deploy', owner };
  if (owner.uid === 0) return life[verb](plain, report);
  await assertSudo();
  // Made by the person, or root would make them and the checkout could not be deleted.
  if (verb === 'create')
    for (const path of [dirname(place.directory), place.images]) mkdirSync(path, { recursive: true });
  return elevated(verb, plain, report);
}

function stateOf(place: Place): MachineState {
  if (isRunning(place.id)) return 'running';
  return existsSync(place.rootfs) ? 'stopped' : 'absent';
}

function reachOf(place: Place): Reach {
  const { address } = recordOf(place);
  return {
    sshConfig: place.sshConfig,
    alias: place.name,
    firstUser: 'root',
    publicKey: readFileSync(`${place.key}.pub`, 'utf8').trim(),
    // The host's own name resolves inside alone, and a certificate for `local` would be one for all of mDNS.
    names: address === undefined ? [] : [address],
  };
}

function detailsOf(place: Place): ContainerDetails {
  const state = stateOf(place);
  if (state === 'absent') return { state, directory: place.directory };
  const { image, address, createdAt } = recordOf(place);
  const leader = leaderOf(place.id);
  const runningSince = leader === undefined ? undefined : startedAt(leader);
  return {
    state,
    directory: place.directory,
    image,
    createdAt: new Date(createdAt),
    ...(address === undefined ? {} : { address }),
    ...(runningSince === undefined ? {} : { runningSince }),
  };
}
