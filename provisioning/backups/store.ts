import { createHash } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { DatabaseRecord } from './inspect.ts';

/**
 * Backups on disk: `/var/backups/berth/<id>/`, root's alone. One that stands there under its own name is whole: it is
 * made as `<id>.partial` and renamed at its end.
 */
export const backupsRoot = '/var/backups/berth';

export type Kind = 'daily' | 'manual' | 'release';

export type Manifest = {
  format: 1;
  id: string;
  /**
   * Its second since 1970, or one more than that of the backup before where the clock was set back: the order in which
   * they were made, also in a repository that a new machine goes on with.
   */
  sequence: number;
  kind: Kind;
  /** The machine's name. */
  host: string;
  by: string;
  reason: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  seconds: number;
  versions: {
    /** The server's, e.g. `17.6 (Debian 17.6-0+deb13u1)`; null: no database is in it. */
    postgresql: string | null;
    /** The directory under /opt/berth/sources that made it. */
    berth: string;
  };
  apps: Record<string, AppRecord>;
  files: FileRecord[];
  /** Applications that are not in it, and why. */
  failed: Record<string, string>;
};

export type AppRecord = {
  /** What the dump holds, from the same snapshot; null: no database of this machine. */
  database: (DatabaseRecord & { file: string }) | null;
  /** Archives of `/etc/<app>` and `/srv/<app>/shared`; null where the backup is of the database alone. */
  config: string | null;
  shared: string | null;
};

export type FileRecord = {
  name: string;
  bytes: number;
  sha256: string;
  /** What its program warned of, e.g. files that changed while they were read. */
  warnings?: string;
};

export const backupPath = (id: string) => `${backupsRoot}/${id}`;
export const idPattern = /^\d{8}T\d{6}Z-[a-z0-9-]+$/;
const sumsFile = 'SHA256SUMS';

export function sizeOf({ files }: Manifest): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}

/** Every whole backup, in the order in which they were made. */
export async function listBackups(host: Host): Promise<Manifest[]> {
  const names = (await host.list(backupsRoot)).filter((name) => idPattern.test(name));
  const all = await Promise.all(names.map((id) => parseManifest(host, backupPath(id))));
  return all.filter((manifest) => manifest !== null).sort((a, b) => a.sequence - b.sequence);
}

/** @throws BerthError `backup_damaged` */
export async function readManifest(host: Host, path: string, id: string): Promise<Manifest> {
  const manifest = await parseManifest(host, path);
  if (!manifest) throw damaged(id, 'manifest.json', 'is not there or cannot be read');
  if (manifest.id !== id) throw damaged(id, 'manifest.json', 'is of another backup');
  const stray = strayName(manifest);
  if (stray !== undefined) throw damaged(id, 'manifest.json', `names a file ${JSON.stringify(stray)}`);
  return manifest;
}

/** A file that is not in the backup's own directory, or whose checksum would not be looked at. */
function strayName({ apps, files }: Manifest): string | undefined {
  const listed = new Set(files.map(({ name }) => name));
  const used = Object.values(apps).flatMap(({ database, config, shared }) => [
    database?.file ?? [],
    config ?? [],
    shared ?? [],
  ]);
  return [...listed, ...used.flat()].find((name) => !/^\w[\w.-]*$/.test(name) || !listed.has(name));
}

async function parseManifest(host: Host, path: string): Promise<Manifest | null> {
  const text = await host.read(`${path}/manifest.json`);
  try {
    return text === null ? null : (JSON.parse(text) as Manifest);
  } catch {
    return null;
  }
}

export function damaged(id: string, file: string, how: string): BerthError {
  return new BerthError(
    'backup_damaged',
    `${file} of the backup ${id} ${how}`,
    'take another one (berth backup list); nothing was changed',
  );
}

/** `20261121T113000Z-<label>`; a second later where that one is taken. */
export async function newId(host: Host, label: string, from: Date): Promise<string> {
  for (let at = from.getTime(); ; at += 1000) {
    const time = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
    const id = `${time}-${label}`;
    if (!(await host.stat(backupPath(id)))) return id;
  }
}

/** The directory that a backup is made in. */
export async function beginBackup(id: string): Promise<string> {
  const partial = `${backupPath(id)}.partial`;
  await mkdir(partial, { mode: 0o700 });
  return partial;
}

/** Writes down what the backup holds, and gives it its name once all of it is on the disk. */
export async function finishBackup(host: Host, partial: string, manifest: Manifest): Promise<void> {
  const own = { mode: 0o600, owner: 'root', group: 'root' };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const sums = [
    ...manifest.files,
    { name: 'manifest.json', sha256: createHash('sha256').update(text).digest('hex') },
  ];
  await host.write(`${partial}/manifest.json`, text, own);
  await host.write(
    `${partial}/${sumsFile}`,
    sums.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join(''),
    own,
  );
  await rename(partial, backupPath(manifest.id));
  const root = await open(backupsRoot);
  await root.sync().finally(() => root.close());
}

/** Removes what a killed run left half made. Only under the lock. */
export async function removePartials(host: Host): Promise<void> {
  for (const name of await host.list(backupsRoot)) {
    if (name.endsWith('.partial')) await host.remove(`${backupsRoot}/${name}`);
  }
}

/** The checksums of a backup's files as written at its end; null where they cannot be read. */
export async function readSums(host: Host, path: string): Promise<Map<string, string> | null> {
  const text = await host.read(`${path}/${sumsFile}`);
  if (text === null) return null;
  const lines = text.split('\n').filter(Boolean);
  const pairs = lines.map((line) => line.match(/^([0-9a-f]{64}) {2}([\w.-]+)$/));
  if (pairs.some((pair) => pair === null)) return null;
  return new Map(pairs.map((pair) => [pair?.[2] as string, pair?.[1] as string]));
}
