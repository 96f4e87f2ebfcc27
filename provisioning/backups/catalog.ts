import { messageOf } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Host } from '../host.ts';
import { readKeptSettings } from '../kept-settings.ts';
import { listCopies } from './restic.ts';
import { besideDatabases, localApps } from './scratch.ts';
import { backupPath, type Kind, listBackups, type Manifest, readManifest, sizeOf } from './store.ts';
import { verifyFiles } from './verify.ts';

/** One backup as `berth backup list` shows it. */
export type BackupView = {
  id: string;
  kind: Kind;
  startedAt: string;
  /** null: not on the machine any more. */
  bytes: number | null;
  by: string | null;
  reason: string | null;
  apps: string[];
  /** Where it can be restored from; `restic` is null where that could not be asked. */
  machine: boolean;
  restic: boolean | null;
};

export type Catalog = {
  backups: BackupView[];
  /** Databases that restores have replaced and kept. */
  kept: { name: string; bytes: number }[];
};

type Context = { host: Host; emit: (event: Event) => void };

/** Every backup, on the machine and in its restic repository, the newest first. */
export async function backups(_input: unknown, { host, emit }: Context): Promise<Catalog> {
  const settings = await readKeptSettings(host);
  const local = await listBackups(host);
  const copies = settings.backup.restic
    ? await listCopies(host, settings).catch((error) => {
        emit({ type: 'notice', text: `the restic repository could not be asked: ${messageOf(error)}` });
        return null;
      })
    : [];
  const views = [
    ...local.map((manifest) => ({
      ...viewOf(manifest),
      restic: copies?.some(({ id }) => id === manifest.id) ?? null,
    })),
    ...(copies ?? [])
      .filter(({ id }) => !local.some((manifest) => manifest.id === id))
      .map(({ snapshot: _, ...copy }) => ({
        ...copy,
        bytes: null,
        by: null,
        reason: null,
        machine: false,
        restic: true,
      })),
  ];
  const apps = localApps(settings);
  const beside = apps.length > 0 ? await besideDatabases(host, apps) : [];
  return {
    backups: views.toSorted((a, b) => b.sequence - a.sequence).map(({ sequence: _, ...view }) => view),
    kept: beside.filter(({ name }) => /_before_\d{14}$/.test(name)),
  };
}

function viewOf(manifest: Manifest) {
  const { id, sequence, kind, startedAt, by, reason, apps } = manifest;
  return {
    ...{ id, sequence, kind, startedAt, by, reason },
    ...{ apps: Object.keys(apps), bytes: sizeOf(manifest), machine: true },
  };
}

/**
 * One backup on the machine, once every file of it was read and is as it was written.
 *
 * @throws BerthError `backup_damaged`, `backup_unknown`
 */
export async function showBackup({ id }: { id: string }, { host }: Context): Promise<Manifest> {
  const manifest = await readManifest(host, backupPath(id), id);
  await verifyFiles(host, backupPath(id), manifest);
  return manifest;
}
