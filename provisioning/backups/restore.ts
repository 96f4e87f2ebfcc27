import { appOf } from '../app-of.ts';
import { BerthError } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Host } from '../host.ts';
import { readKeptSettings } from '../kept-settings.ts';
import { renew } from '../releases/renew.ts';
import { liveNumber } from '../releases/store.ts';
import type { AppSettings, Settings } from '../settings.ts';
import { clearLeftovers } from './backup.ts';
import { requireConfigAlone, restoreConfig, swapShared, unpackShared } from './folders.ts';
import { rowsOf } from './inspect.ts';
import { withBackupLock } from './lock.ts';
import { fetchCopy } from './restic.ts';
import { requireBytes } from './room.ts';
import { asAdministrator, besideName, dropDatabase, type RestoreTimes, restoreDatabase } from './scratch.ts';
import { identifier, literal, sessionEnvironment } from './session.ts';
import { type AppRecord, backupPath, idPattern, type Manifest, readManifest } from './store.ts';
import { swapDatabases } from './swap.ts';
import { verifyFiles } from './verify.ts';

export type RestoreInput = {
  id: string;
  app: string;
  /** A new database to restore into, which leaves the application's alone; null: in its place. */
  into: string | null;
  /** Also `/srv/<app>/shared`. */
  shared: boolean;
  /** Also `/etc/<app>`, the environment with its secrets. */
  config: boolean;
  runtime: string;
  by: string;
};

export type RestoreResult = {
  id: string;
  /** The moment that the database is of. */
  takenAt: string | null;
  rows: number;
  seconds: RestoreTimes & {
    /** Reading every file for its checksum. */
    verify: number;
    /** For how long nobody could use the database; null: it was left alone. */
    away: number | null;
  };
  /** What the replaced database and folder are called now. */
  keptDatabase: string | null;
  keptShared: string | null;
  /** The release that runs with what was restored besides the database. */
  release: number | null;
};

type Context = { host: Host; emit: (event: Event) => void; stop: AbortSignal };
type Job = Context & {
  settings: Settings;
  app: AppSettings;
  input: RestoreInput;
  say: (text: string) => void;
};

/**
 * Restores an application's database from a backup: every file is checked, the dump goes into a database beside and
 * is compared with what was written down, and only then takes the place of the live one, which is kept.
 *
 * @throws BerthError `backup_unknown`, `backup_damaged`, `restore_differs`, `database_exists`, `backup_lacks`
 */
export async function restore(input: RestoreInput, context: Context): Promise<RestoreResult> {
  const { host, emit, stop } = context;
  const settings = await readKeptSettings(host);
  const app = appOf(settings, input.app);
  const say = (text: string) => emit({ type: 'progress', text });
  const job = { ...context, settings, app, input, say };
  return withBackupLock(host, { what: `the restore of ${input.by}`, waitMs: 0, say, stop }, async () => {
    await clearLeftovers(host, settings);
    const { manifest, path } = await take(job);
    const record = recordOf(manifest, job);
    if (input.into !== null) await requireNew(host, input.into);
    const began = performance.now();
    say(`reads ${manifest.id}`);
    await verifyFiles(host, path, manifest);
    const verify = Math.round(performance.now() - began) / 1000;
    return bring(job, { path, record, verify });
  });
}

/** From the machine, else from the restic repository, from where it stands on the machine again. */
async function take({
  host,
  settings,
  input: { id },
  say,
}: Job): Promise<{ manifest: Manifest; path: string }> {
  if (!idPattern.test(id)) throw unknown(id);
  const path = backupPath(id);
  if (!(await host.stat(path))) {
    if (!settings.backup.restic) throw unknown(id);
    say(`fetches ${id} from the restic repository`);
    await fetchCopy(host, settings, id, path);
  }
  return { path, manifest: await readManifest(host, path, id) };
}

function unknown(id: string): BerthError {
  return new BerthError('backup_unknown', `there is no backup ${id}`, 'berth backup list shows them');
}

function recordOf({ id, apps }: Manifest, { app, input }: Job): AppRecord {
  const record = apps[app.name];
  const lacks = [
    ...(record?.database ? [] : ['database']),
    ...(input.shared && !record?.shared ? ['shared folder'] : []),
    ...(input.config && !record?.config ? ['configuration'] : []),
  ];
  if (record && lacks.length === 0) return record;
  throw new BerthError(
    'backup_lacks',
    `the backup ${id} holds no ${lacks.join(' and no ')} of ${app.name}; it is of ${Object.keys(apps).join(', ')}`,
    'take another one (berth backup list)',
  );
}

async function requireNew(host: Host, name: string): Promise<void> {
  const [there] = await asAdministrator(host, 'postgres', (session) =>
    session.ask(`SELECT 1 FROM pg_catalog.pg_database WHERE datname = ${literal(name)};`),
  );
  if (there === undefined) return;
  throw new BerthError(
    'database_exists',
    `there is a database ${name} already`,
    'choose another name for --into',
  );
}

type Chosen = { path: string; record: AppRecord; verify: number };

async function bring(job: Job, { path, record, verify }: Chosen): Promise<RestoreResult> {
  const { host, app, input, say } = job;
  const database = record.database as NonNullable<AppRecord['database']>;
  const scratch = besideName(app.name, 'restore');
  const dump = `${path}/${database.file}`;
  const times = await restoreDatabase(host, { app: app.name, record: database, dump, into: scratch, say });
  try {
    // Without statistics the first queries would be planned blindly.
    say('gathers statistics');
    await host.must(['psql', '-XAtqc', 'ANALYZE', '-d', scratch], {
      user: app.name,
      env: sessionEnvironment,
    });
    const placed =
      input.into === null ? await replace(job, scratch, { path, record }) : await name(job, scratch);
    return {
      id: input.id,
      takenAt: database.takenAt,
      rows: rowsOf(database),
      seconds: { ...times, verify, away: placed.away },
      keptDatabase: placed.keptDatabase,
      keptShared: placed.keptShared,
      release: placed.release,
    };
  } catch (error) {
    await dropDatabase(host, scratch);
    throw error;
  }
}

type Placed = Pick<RestoreResult, 'keptDatabase' | 'keptShared' | 'release'> & { away: number | null };

async function name({ host, input }: Job, scratch: string): Promise<Placed> {
  await asAdministrator(host, 'postgres', (session) =>
    session.ask(`ALTER DATABASE ${identifier(scratch)} RENAME TO ${identifier(input.into ?? '')};`),
  );
  return { away: null, keptDatabase: null, keptShared: null, release: null };
}

async function replace(job: Job, scratch: string, { path, record }: Omit<Chosen, 'verify'>): Promise<Placed> {
  const { host, emit, app, input, say, stop } = job;
  if (stop.aborted) {
    throw new BerthError('stopped', 'stopped on request, nothing was replaced', 'run the same command again');
  }
  const keepAs = besideName(app.name, 'before');
  if (input.config) {
    await requireConfigAlone(host, app, { id: input.id, path, archive: record.config as string });
  }
  const beside = input.shared ? await prepareShared(job, `${path}/${record.shared}`) : null;
  say(`puts ${scratch} in the place of ${app.name}`);
  const away = await swapDatabases(host, { live: app.name, next: scratch, keepAs });
  try {
    const keptShared = beside ? await swapShared(app, beside, keepAs.split('_').at(-1) as string) : null;
    if (input.config) await restoreConfig(host, app, `${path}/${record.config}`);
    const release = input.shared || input.config ? await restart(job) : null;
    return { away, keptDatabase: keepAs, keptShared, release };
  } catch (error) {
    emit({ type: 'notice', text: `the database was put back already; the one before is kept as ${keepAs}` });
    throw error;
  }
}

async function prepareShared({ host, app, say }: Job, archive: string): Promise<string> {
  say(`unpacks /srv/${app.name}/shared beside`);
  const { size = 0 } = (await host.stat(archive)) ?? {};
  await requireBytes(`/srv/${app.name}`, size, 'the shared folder');
  return unpackShared(host, app, archive);
}

/** Running processes hold the folder and the environment that they were started with. */
async function restart({ host, settings, app, input, say, stop }: Job): Promise<number | null> {
  if ((await liveNumber(host, app.name)) === null) return null;
  const { runtime, by, id } = input;
  const made = await renew(host, { settings, app, runtime, by, reason: `restore of ${id}` }, { say, stop });
  return made.number;
}
