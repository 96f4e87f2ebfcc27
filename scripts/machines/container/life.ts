import { chownSync, existsSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Report } from '../../report.ts';
import { sweep } from './boot.ts';
import { killAll } from './ending.ts';
import { ensureImage } from './image.ts';
import { ensureKey } from './keys.ts';
import { withLock } from './lock.ts';
import { assertNetwork, leaveNetwork } from './network.ts';
import type { LifeOptions } from './options.ts';
import { type Place, placeOf } from './place.ts';
import { turnOff, turnOn } from './power.ts';
import { parseRange } from './range.ts';
import { claim, findRecord, type MachineRecord } from './record.ts';
import { removeTree, unmountBelow } from './remove.ts';
import { assertRoom } from './requirements.ts';
import { unpack } from './rootfs.ts';
import { lockFile, tidyRuntime } from './runtime.ts';

/** The four things that happen to a machine, as root. Each is safe to repeat, also after it was killed half way. */
export const life = { create, start, stop, destroy };

async function create(options: LifeOptions, report: Report): Promise<void> {
  const place = placeOf(options.stateDirectory, options.name);
  await assertNetwork(parseRange(options.network));
  await exclusively(place, options, report, async () => {
    const record = findRecord(place);
    if (!existsSync(place.rootfs)) assertRoom(options);
    await install(options, place, record ?? claim(place, options.image, options.owner), report);
    await turnOn(options, place, report);
  });
}

async function start(options: LifeOptions, report: Report): Promise<void> {
  const place = placeOf(options.stateDirectory, options.name);
  await exclusively(place, options, report, () => turnOn(options, place, report));
}

async function stop(options: LifeOptions, report: Report): Promise<void> {
  const place = placeOf(options.stateDirectory, options.name);
  await exclusively(place, options, report, async () => {
    findRecord(place);
    await turnOff(place, report);
    await leaveNetwork(place, parseRange(options.network), { forget: false });
  });
}

async function destroy(options: LifeOptions, report: Report): Promise<void> {
  const place = placeOf(options.stateDirectory, options.name);
  await exclusively(place, options, report, async () => {
    findRecord(place);
    await report.step(`destroys the machine ${place.name}`, async () => {
      await killAll(place);
      await sweep(place);
      await leaveNetwork(place, parseRange(options.network), { forget: true });
      await removeDirectory(place);
    });
  });
  await tidyRuntime();
  if (existsSync(place.images)) report.note(`The images stay in ${place.images}; delete them when you like.`);
}

/** One change to a machine at a time, whoever asks for it. */
function exclusively(
  place: Place,
  { signal }: LifeOptions,
  report: Report,
  work: () => Promise<void>,
): Promise<void> {
  const onWait = () => report.note(`Another berth is busy with the machine ${place.name}; waiting for it.`);
  return withLock(lockFile(place.directory), work, { signal, onWait });
}

async function install(
  options: LifeOptions,
  place: Place,
  record: MachineRecord,
  report: Report,
): Promise<void> {
  const key = await ensureKey(place);
  for (const path of [place.key, `${place.key}.pub`]) chownSync(path, options.owner.uid, options.owner.gid);
  if (existsSync(place.rootfs)) {
    if (record.image !== options.image) {
      report.note(`The machine ${place.name} stays ${record.image}; for ${options.image} destroy it first.`);
    }
    return;
  }
  const tar = await ensureImage(options.image, place.images, report, options.signal);
  await report.step(`unpacks ${options.image} for the machine ${place.name}`, () =>
    unpack(tar, place, key, options.signal),
  );
}

/** The record goes last: until then a second try knows the directory for a machine's. */
async function removeDirectory(place: Place): Promise<void> {
  if (!existsSync(place.directory)) return;
  await unmountBelow(place.directory);
  if (existsSync(place.rootfs)) {
    await removeTree(place.partial);
    renameSync(place.rootfs, place.partial);
  }
  await removeTree(place.partial);
  for (const name of readdirSync(place.directory)) {
    if (name !== basename(place.record)) await removeTree(join(place.directory, name));
  }
  rmSync(place.record, { force: true });
  rmdirSync(place.directory);
}
