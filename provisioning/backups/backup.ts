import { basename, join } from 'node:path';
import { BerthError, messageOf } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Host } from '../host.ts';
import { readKeptSettings } from '../kept-settings.ts';
import type { AppSettings, Settings } from '../settings.ts';
import { type CaptureInto, capture } from './capture.ts';
import { dumpDatabase, dumpGlobals } from './dump.ts';
import { settleShared } from './folders.ts';
import { withBackupLock } from './lock.ts';
import { copyAway } from './restic.ts';
import { retentionOf, superfluous } from './retention.ts';
import { directoryBytes, requireBytes, tableBytes } from './room.ts';
import { dropScratch } from './scratch.ts';
import {
  type AppRecord,
  backupPath,
  backupsRoot,
  beginBackup,
  type FileRecord,
  finishBackup,
  type Kind,
  listBackups,
  type Manifest,
  newId,
  removePartials,
  sizeOf,
} from './store.ts';

export type BackupInput = { kind: 'daily' | 'manual'; by: string; reason: string };

export type BackupResult = {
  id: string;
  bytes: number;
  seconds: number;
  /** Whether a copy is in the restic repository; null: none is set. */
  offsite: boolean | null;
};

const timerWaitsMs = 2 * 3_600_000;

/**
 * Backs up every application: its database, environment and shared folder. Beside it a deploy may run: the lock of
 * runs is not taken. Old backups go once the new one stands, then it is copied away.
 *
 * @throws BerthError `backup_running`, `backup_incomplete`, `disk_short`, `restic_failed`
 */
export async function backup(
  { kind, by, reason }: BackupInput,
  { host, emit, stop }: { host: Host; emit: (event: Event) => void; stop: AbortSignal },
): Promise<BackupResult> {
  const settings = await readKeptSettings(host);
  const say = (text: string) => emit({ type: 'progress', text });
  const waitMs = kind === 'daily' ? timerWaitsMs : 0;
  const what = `the backup of ${by}`;
  const manifest = await withBackupLock(host, { what, waitMs, say, stop }, async () => {
    await clearLeftovers(host, settings);
    const made = await makeBackup(host, settings, { kind, label: kind, by, reason, say });
    await prune(host, settings);
    return made;
  });
  const copying = { lock: 'copies', what: `the upload of ${what}`, waitMs: timerWaitsMs, say, stop } as const;
  const offsite = settings.backup.restic
    ? await withBackupLock(host, copying, () => copyAway(host, settings, say))
    : null;
  if (Object.keys(manifest.failed).length > 0) throw incomplete(manifest);
  return { id: manifest.id, bytes: sizeOf(manifest), seconds: manifest.seconds, offsite };
}

/** Takes away what a killed backup, restore or drill left. Only under the lock. */
export async function clearLeftovers(host: Host, settings: Settings): Promise<void> {
  await removePartials(host);
  await dropScratch(host, settings);
  for (const app of Object.values(settings.apps)) await settleShared(host, app);
}

export type MakeOptions = {
  kind: Kind;
  /** What follows the time in the id. */
  label: string;
  by: string;
  reason: string;
  /** One application's database and nothing else; left out: all of every application. */
  databaseOf?: AppSettings;
  say: (text: string) => void;
};

/**
 * Makes one backup and checks that there is room for it before. What fails for one application keeps no other from
 * being in it. Only under the lock.
 */
export async function makeBackup(host: Host, settings: Settings, options: MakeOptions): Promise<Manifest> {
  const { kind, label, by, reason, databaseOf, say } = options;
  const began = performance.now();
  const startedAt = new Date();
  if (!(await host.stat(backupsRoot))) {
    await host.mkdir(backupsRoot, { mode: 0o700, owner: 'root', group: 'root' });
  }
  const apps = databaseOf ? [databaseOf] : Object.values(settings.apps);
  const previous = (await listBackups(host)).at(-1)?.sequence ?? 0;
  const sequence = Math.max(previous + 1, Math.floor(startedAt.getTime() / 1000));
  const id = await newId(host, label, startedAt);
  const directory = await beginBackup(id);
  try {
    const { records, files, failed } = await fill(host, directory, apps, { folders: !databaseOf, say });
    const manifest: Manifest = {
      ...{ format: 1, id, sequence, kind, host: settings.hostname, by, reason },
      startedAt: startedAt.toISOString(),
      seconds: Math.round(performance.now() - began) / 1000,
      versions: { postgresql: serverOf(records), berth: berthVersion() },
      ...{ apps: records, files, failed },
    };
    await finishBackup(host, directory, manifest);
    return manifest;
  } catch (error) {
    await host.remove(directory);
    throw error;
  }
}

type FillOptions = { folders: boolean; say: (text: string) => void };

async function fill(host: Host, directory: string, apps: AppSettings[], options: FillOptions) {
  const files: FileRecord[] = [];
  const records: Record<string, AppRecord> = {};
  const errors: Record<string, unknown> = {};
  if (options.folders && apps.some(({ database }) => database === 'local')) {
    files.push(await dumpGlobals(host, { directory, name: 'globals.sql', maxBytes: slackBytes }));
  }
  for (const { app, bytes } of await bySize(host, apps, options, errors)) {
    try {
      await requireBytes(directory, bytes, `a backup of ${app.name}`);
      const made = await fillApp(host, app, { directory, maxBytes: bytes * 1.5 + slackBytes }, options);
      records[app.name] = made.record;
      files.push(...made.files);
    } catch (error) {
      errors[app.name] = error;
      for (const name of Object.values(fileNames(app.name))) await host.remove(`${directory}/${name}`);
    }
  }
  const [first] = Object.values(errors);
  if (first !== undefined && Object.keys(records).length === 0) throw first;
  const failed = Object.fromEntries(
    Object.entries(errors).map(([name, error]) => [name, messageOf(error).slice(0, 2000)]),
  );
  return { records, files, failed };
}

/** The smallest first, so that one which fills the disk leaves room for the others. */
async function bySize(
  host: Host,
  apps: AppSettings[],
  { folders }: FillOptions,
  errors: Record<string, unknown>,
): Promise<{ app: AppSettings; bytes: number }[]> {
  const sized: { app: AppSettings; bytes: number }[] = [];
  for (const app of apps) {
    try {
      sized.push({ app, bytes: await estimate(host, app, { folders }) });
    } catch (error) {
      errors[app.name] = error;
    }
  }
  return sized.sort((a, b) => a.bytes - b.bytes);
}

const slackBytes = 256 * 1024 ** 2;
const fileNames = (app: string) => ({
  dump: `${app}.dump`,
  config: `${app}.config.tar`,
  shared: `${app}.shared.tar`,
});

async function fillApp(
  host: Host,
  { name, database }: AppSettings,
  into: { directory: string; maxBytes: number },
  { folders, say }: FillOptions,
): Promise<{ record: AppRecord; files: FileRecord[] }> {
  const files: FileRecord[] = [];
  const keep = (file: FileRecord) => {
    files.push(file);
    return file.name;
  };
  const names = fileNames(name);
  const record: AppRecord = { database: null, config: null, shared: null };
  if (database === 'local') {
    say(`dumps the database ${name}`);
    const dumped = await dumpDatabase(host, name, { ...into, name: names.dump });
    record.database = { ...dumped.record, file: keep(dumped.file) };
  }
  if (folders) {
    say(`archives /etc/${name} and /srv/${name}/shared`);
    record.config = keep(await archiveFolder(host, { ...into, name: names.config }, '/etc', name));
    record.shared = keep(
      await archiveFolder(host, { ...into, name: names.shared }, `/srv/${name}`, 'shared'),
    );
  }
  return { record, files };
}

function incomplete({ id, failed }: Manifest): BerthError {
  const lines = Object.entries(failed).map(([app, why]) => `${app}: ${why}`);
  return new BerthError(
    'backup_incomplete',
    `the backup ${id} stands, but lacks ${Object.keys(failed).join(', ')}\n${lines.join('\n')}`,
    'mend what it says, then run: berth backup now',
  );
}

/**
 * tar as root sees every file, and follows nothing that an application planted: symlinks are kept as symlinks,
 * directories are opened without following, pipes and devices are never opened, holes stay holes.
 */
function archiveFolder(host: Host, into: CaptureInto, parent: string, child: string) {
  const argv = [
    ...['tar', '--create', '--file=-', '--format=posix', '--sparse', '--one-file-system'],
    ...['--warning=no-file-ignored', `--directory=${parent}`, '--', child],
  ];
  // 1: some file changed or went away while it was read, which is what files in use do.
  return capture(host, argv, into, { tolerated: [1] });
}

async function estimate(
  host: Host,
  { name, database }: AppSettings,
  { folders }: { folders: boolean },
): Promise<number> {
  const tables = database === 'local' ? await tableBytes(host, name) : 0;
  if (!folders) return tables;
  const shared = await directoryBytes(host, `/srv/${name}/shared`);
  return tables + shared + (await directoryBytes(host, `/etc/${name}`));
}

function serverOf(records: Record<string, AppRecord>): string | null {
  return Object.values(records).find(({ database }) => database)?.database?.server ?? null;
}

/** The directory of this code, which is named by its content. */
function berthVersion(): string {
  return basename(join(import.meta.dirname, '../..'));
}

/** Removes what retention keeps no longer. Only under the lock. */
export async function prune(host: Host, settings: Settings): Promise<void> {
  const all = (await listBackups(host)).map((manifest) => ({
    ...manifest,
    apps: Object.keys(manifest.apps),
  }));
  for (const id of superfluous(all, retentionOf(settings))) await host.remove(backupPath(id));
}

/** Whether a dump is worth the while: false for a database that nothing was ever written to. */
export async function holdsData(host: Host, app: AppSettings): Promise<boolean> {
  return app.database === 'local' && (await tableBytes(host, app.name)) > 0;
}
