import { open } from 'node:fs/promises';
import { BerthError, messageOf } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Host } from '../host.ts';
import { readKeptSettings } from '../kept-settings.ts';
import type { Settings } from '../settings.ts';
import { clearLeftovers } from './backup.ts';
import { rowsOf } from './inspect.ts';
import { withBackupLock } from './lock.ts';
import { checkRepository, fetchCopy, listCopies } from './restic.ts';
import { besideName, dropDatabase, type RestoreTimes, restoreDatabase } from './scratch.ts';
import {
  type AppRecord,
  backupPath,
  backupsRoot,
  listBackups,
  type Manifest,
  readManifest,
} from './store.ts';
import { verifyFiles } from './verify.ts';

/** One drill, a line of `drills.ndjson`. */
export type Drill = {
  /** ISO 8601, UTC. */
  at: string;
  by: string;
  /** The backup that was restored; null: there was none to take. */
  id: string | null;
  /** Where it was taken from. */
  source: 'machine' | 'restic';
  ok: boolean;
  /** Why not. */
  error: string | null;
  seconds: number;
  databases: Record<string, DrilledDatabase>;
};

export type DrilledDatabase = RestoreTimes & {
  tables: number;
  rows: number;
  objects: number;
  fingerprint: string;
};

export const drillsPath = '/var/lib/berth/drills.ndjson';

type Context = { host: Host; emit: (event: Event) => void; stop: AbortSignal };
type Found = Pick<Drill, 'id' | 'source' | 'databases'>;

/**
 * Proves that the newest backup can be restored: from the restic repository where one is set, else from the machine,
 * every database goes into one beside it, is compared with what was written down at dump time, and is dropped.
 * What came of it is recorded either way.
 *
 * @throws BerthError `backup_unknown`, `backup_damaged`, `restore_differs`, `restic_failed`
 */
export async function drill(
  { by, waitMs }: { by: string; waitMs: number },
  { host, emit, stop }: Context,
): Promise<Drill> {
  const settings = await readKeptSettings(host);
  const say = (text: string) => emit({ type: 'progress', text });
  return withBackupLock(host, { what: `the drill of ${by}`, waitMs, say, stop }, async () => {
    await clearLeftovers(host, settings);
    const began = performance.now();
    const source = settings.backup.restic ? 'restic' : 'machine';
    const found: Found = { id: null, source, databases: {} };
    let failure: unknown;
    await rehearse(host, settings, found, say).catch((error) => {
      failure = error;
    });
    const seconds = Math.round(performance.now() - began) / 1000;
    const error = failure === undefined ? null : messageOf(failure).slice(0, 2000);
    const evidence = { at: new Date().toISOString(), by, ok: error === null, error, seconds, ...found };
    await record(evidence);
    if (failure !== undefined) throw failure;
    return evidence;
  });
}

async function rehearse(host: Host, settings: Settings, found: Found, say: (text: string) => void) {
  const { path, manifest } = await newest(host, settings, found, say);
  say(`reads ${manifest.id}`);
  await verifyFiles(host, path, manifest);
  const failures: [app: string, error: unknown][] = [];
  for (const [app, { database }] of Object.entries(manifest.apps)) {
    if (!database) continue;
    try {
      found.databases[app] = await rehearseDatabase(host, { app, path, database }, say);
    } catch (error) {
      failures.push([app, error]);
    }
  }
  if (found.source === 'restic') {
    await host.remove(path);
    say('checks the restic repository');
    await checkRepository(host, settings);
  }
  if (failures.length > 0) throw failed(failures);
}

/** The first one's code and hint, and what every one says. */
function failed(failures: [app: string, error: unknown][]): unknown {
  const [[, first] = []] = failures;
  if (!(first instanceof BerthError)) return first;
  const lines = failures.map(([app, error]) => `${app}: ${messageOf(error)}`);
  return new BerthError(first.code, lines.join('\n'), first.hint, { cause: first });
}

async function rehearseDatabase(
  host: Host,
  { app, path, database }: { app: string; path: string; database: NonNullable<AppRecord['database']> },
  say: (text: string) => void,
): Promise<DrilledDatabase> {
  const into = besideName(app, 'drill');
  const dump = `${path}/${database.file}`;
  const times = await restoreDatabase(host, { app, record: database, dump, into, say });
  await dropDatabase(host, into);
  const { rows, objects, fingerprint } = database;
  return {
    ...times,
    tables: Object.keys(rows).length,
    rows: rowsOf(database),
    objects: objects.length,
    fingerprint,
  };
}

async function newest(
  host: Host,
  settings: Settings,
  found: Found,
  say: (text: string) => void,
): Promise<{ path: string; manifest: Manifest }> {
  const all = found.source === 'restic' ? await listCopies(host, settings) : await listBackups(host);
  const last = all
    .filter(({ kind }) => kind !== 'release')
    .toSorted((a, b) => a.sequence - b.sequence)
    .at(-1);
  if (!last)
    throw new BerthError('backup_unknown', 'there is no backup to restore yet', 'run: berth backup now');
  found.id = last.id;
  let path = backupPath(last.id);
  if (found.source === 'restic') {
    path = `${backupsRoot}/drill.partial`;
    say(`fetches ${last.id} from the restic repository`);
    await fetchCopy(host, settings, last.id, path);
  }
  return { path, manifest: await readManifest(host, path, last.id) };
}

async function record(evidence: Drill): Promise<void> {
  const file = await open(drillsPath, 'a', 0o600);
  try {
    await file.write(`${JSON.stringify(evidence)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The last drill; null: none yet. A line that a power cut left half written is none. */
export async function lastDrill(host: Host): Promise<Drill | null> {
  const lines = ((await host.read(drillsPath)) ?? '').split('\n').filter(Boolean);
  for (const line of lines.reverse()) {
    try {
      return JSON.parse(line) as Drill;
    } catch {}
  }
  return null;
}
