import { chownSync, existsSync } from 'node:fs';
import { BerthError } from '../../../provisioning/errors.ts';
import type { Report } from '../../report.ts';
import { writeAtomic } from '../atomic.ts';
import { awaitSsh } from './answer.ts';
import { supervise, sweep } from './boot.ts';
import { isKept, powerOff } from './ending.ts';
import { hostKeys, knownHosts, sshConfig } from './keys.ts';
import { joinNetwork, leaveNetwork } from './network.ts';
import type { LifeOptions } from './options.ts';
import type { Place } from './place.ts';
import { isRunning } from './processes.ts';
import { parseRange } from './range.ts';
import { findRecord, type MachineRecord, writeRecord } from './record.ts';
import { readResolver } from './resolver.ts';
import { connect } from './rootfs.ts';

/** Boots a machine that does not run, and waits for one that does. */
export async function turnOn(options: LifeOptions, place: Place, report: Report): Promise<void> {
  const record = recordOf(place);
  // Without its supervisor it would not come back from a reboot.
  if (isRunning(place.id) && !isKept(place.id)) await turnOff(place, report);
  await report.step(`starts the machine ${place.name}`, async () => {
    try {
      const known = isRunning(place.id) ? record.address : undefined;
      const address = known ?? (await boot(options, place, record));
      writeAccess(options, place, address);
      await awaitSsh(place, address, options);
    } catch (error) {
      // One that does not run needs no network; the next try asks for it anew.
      if (!isRunning(place.id)) await leaveNetwork(place, parseRange(options.network), { forget: false });
      throw error;
    }
  });
}

async function boot(options: LifeOptions, place: Place, record: MachineRecord): Promise<string> {
  const resolver = readResolver();
  await sweep(place);
  const connection = await joinNetwork(place, parseRange(options.network), record.address);
  writeRecord(place, { ...record, address: connection.address });
  connect(place.rootfs, connection, resolver);
  await supervise({ place, bridge: connection.bridge, memoryMiB: options.memoryMiB });
  return connection.address;
}

/** Powers the machine off and clears what its supervisor may have left. */
export async function turnOff(place: Place, report: Report): Promise<void> {
  if (isRunning(place.id)) {
    await report.step(`stops the machine ${place.name}`, async (detail) => {
      if (!(await powerOff(place))) detail('it did not power off in time and was killed');
    });
  }
  await sweep(place);
}

function writeAccess({ user, owner }: LifeOptions, place: Place, address: string): void {
  writeAtomic(place.knownHosts, knownHosts(place.name, hostKeys(place.rootfs)), 0o644);
  writeAtomic(place.sshConfig, sshConfig(place, address, user), 0o644);
  for (const path of [place.knownHosts, place.sshConfig]) chownSync(path, owner.uid, owner.gid);
}

/** Throws BerthError `machine_absent`, also for a machine whose root file system was never finished. */
export function recordOf(place: Place): MachineRecord {
  const record = findRecord(place);
  if (record !== undefined && existsSync(place.rootfs)) return record;
  throw new BerthError(
    'machine_absent',
    `there is no machine ${place.name} in ${place.directory}`,
    'run: berth up',
  );
}
