import { chownSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BerthError } from '../../../provisioning/errors.ts';
import { writeAtomic } from '../atomic.ts';
import type { Place } from './place.ts';
import type { ImageName } from './recipe.ts';

/** What `machine.json` says; also the mark by which a directory is known to be a machine's, and may be deleted. */
export type MachineRecord = {
  kind: 'berth-container';
  name: string;
  image: ImageName;
  createdAt: string;
  /** The address it had last. */
  address?: string;
};

/** Whose the files are that a person reads: keys and ssh_config. */
export type Owner = { uid: number; gid: number };

/** Makes the machine's directory, or finds the record of one that is there. */
export function claim(place: Place, image: ImageName, owner: Owner): MachineRecord {
  const found = findRecord(place);
  if (found !== undefined) return found;
  mkdirSync(dirname(place.directory), { recursive: true, mode: 0o755 });
  refuseSymlinks(place);
  // Nobody else's business: what is setuid in the machine would be so for every user of this computer.
  mkdirSync(place.directory, { recursive: true, mode: 0o700 });
  chownSync(place.directory, owner.uid, owner.gid);
  const record = {
    kind: 'berth-container',
    name: place.name,
    image,
    createdAt: new Date().toISOString(),
  } as const;
  writeRecord(place, record);
  return record;
}

/** Undefined where there is no machine. Throws BerthError `machine_unrecognised` for a directory that is not ours. */
export function findRecord(place: Place): MachineRecord | undefined {
  refuseSymlinks(place);
  const record = readRecord(place);
  if (record?.kind === 'berth-container') return record;
  // One that was killed between making the directory and marking it leaves no more than this.
  const strange = entriesOf(place.directory).filter((name) => !/^machine\.json\.\d+\.partial$/.test(name));
  if (strange.length === 0) return undefined;
  throw unrecognised(place, `it holds ${strange.slice(0, 3).join(', ')} and no machine.json of Berth's`);
}

export function writeRecord(place: Place, record: MachineRecord): void {
  writeAtomic(place.record, `${JSON.stringify(record, undefined, 2)}\n`, 0o644);
}

function readRecord(place: Place): MachineRecord | undefined {
  try {
    return JSON.parse(readFileSync(place.record, 'utf8'));
  } catch {
    return undefined;
  }
}

function refuseSymlinks(place: Place): void {
  for (const path of [dirname(place.directory), place.directory]) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isDirectory())
      throw unrecognised(place, `${path} is not a directory of its own`);
  }
}

function unrecognised({ directory }: Place, why: string): BerthError {
  return new BerthError(
    'machine_unrecognised',
    `${directory} does not look like a machine that Berth made: ${why}`,
    'nothing was changed. Move it away if it is yours, then run the same berth command again',
  );
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
