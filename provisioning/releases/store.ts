import { mkdir } from 'node:fs/promises';
import { diskFull } from '../disk-full.ts';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';

/**
 * Releases on disk, `/srv/<app>`: `slugs/<id>` is content and immutable, `layers/<id>` are dependencies that
 * slugs share, `releases/<n>` is a slug with an environment, a formation and a runtime, and the symlink
 * `current` says which release is live. That symlink alone is the truth.
 */
export type Release = {
  number: number;
  slug: string;
  /** The dependency layer that the slug links to. */
  layer: string;
  /** The directory under /opt/berth/runtime that carries its Node and pm2. */
  runtime: string;
  /** The source's commit, or a note for an uncommitted tree. */
  commit: string;
  processes: Record<string, number>;
  /** A process that has more is replaced. */
  memoryLimitMiB: number;
  /** SHA-256 of the environment file that it was made with. */
  environment: string;
  /** SHA-256 of the unit files that it was started with. */
  units: string;
  /** What of it differs from the release that was live before. */
  changed: ('slug' | 'config' | 'scale' | 'memory' | 'runtime' | 'units')[];
  /** The disk that its slug takes, with the dependencies that it may share with others. */
  bytes: number;
  reason: string;
  by: string;
  /** The release that was live when it was made; null: none was. */
  replaced: number | null;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** `good`: it has gone live at least once. Which one is live now is said by `current` alone. */
  state: 'starting' | 'good' | 'failed';
  failure?: string;
};

export const appRoot = (app: string) => `/srv/${app}`;
export const releasePath = (app: string, number: number | string) => `/srv/${app}/releases/${number}`;
export const slugPath = (app: string, id: string) => `/srv/${app}/slugs/${id}`;
export const layerPath = (app: string, id: string) => `/srv/${app}/layers/${id}`;
export const incomingPath = (app: string, digest: string) => `/srv/${app}/incoming/${digest}.tgz`;
/** Where a folder that outlives releases is; each slug has a symlink to it (slug-links.ts). */
export const sharedPath = (app: string, folder: string) => `/srv/${app}/shared/${folder}`;
export const socketPath = (app: string, number: number | string) => `/run/${app}/sockets/${number}.sock`;
export const runtimePath = (id: string) => `/opt/berth/runtime/${id}`;
/** The web processes of one release. */
export const unitOf = (app: string, number: number) => `${app}@${number}.service`;
/** Every other process, for the live release alone. */
export const workersUnit = (app: string) => `${app}-workers.service`;
/** A symlink as `current` was when the workers were started. */
export const workersLink = (app: string) => `/run/${app}/workers`;

const readable = (app: string) => ({ mode: 0o640, owner: 'root', group: app });

/** The number of the live release; null before the first. */
export async function liveNumber(host: Host, app: string): Promise<number | null> {
  return pointedNumber(host, `${appRoot(app)}/current`);
}

/** The release that the workers were started for, whether they run still or not. */
export async function workersNumber(host: Host, app: string): Promise<number | null> {
  return pointedNumber(host, workersLink(app));
}

async function pointedNumber(host: Host, link: string): Promise<number | null> {
  const target = (await host.stat(link))?.target;
  const number = Number(target?.match(/^releases\/(\d+)$/)?.[1]);
  return Number.isInteger(number) ? number : null;
}

export async function readRelease(host: Host, app: string, number: number): Promise<Release | null> {
  const text = await host.read(`${releasePath(app, number)}/release.json`);
  return text === null ? null : (JSON.parse(text) as Release);
}

export async function liveRelease(host: Host, app: string): Promise<Release | null> {
  const number = await liveNumber(host, app);
  return number === null ? null : readRelease(host, app, number);
}

export async function writeRelease(host: Host, app: string, release: Release): Promise<void> {
  const path = `${releasePath(app, release.number)}/release.json`;
  await host.write(path, `${JSON.stringify(release, null, 2)}\n`, readable(app));
}

export async function releaseNumbers(host: Host, app: string): Promise<number[]> {
  const names = await host.list(`${appRoot(app)}/releases`);
  return names
    .map(Number)
    .filter(Number.isInteger)
    .sort((a, b) => a - b);
}

/** Makes the next release's directory; two at once can never get the same number. */
export async function reserveNumber(host: Host, app: string): Promise<number> {
  const number = ((await releaseNumbers(host, app)).at(-1) ?? 0) + 1;
  await host.mkdir(releasePath(app, number), { mode: 0o750, owner: 'root', group: app });
  return number;
}

/** Files of a release besides `release.json`: readable by the application, written by root alone. */
export async function writeReleaseFile(
  host: Host,
  app: string,
  number: number,
  name: string,
  content: string,
) {
  await host.write(`${releasePath(app, number)}/${name}`, content, readable(app));
}

/**
 * Unpacks a verified upload beside its final place and renames it: what stands at `path` is always whole.
 *
 * @throws BerthError `upload_missing`, `upload_damaged`, `disk_short`
 */
export async function unpack(host: Host, app: string, digest: string, path: string): Promise<void> {
  if (await host.stat(path)) return;
  const archive = incomingPath(app, digest);
  if (!(await host.stat(archive))) {
    throw new BerthError('upload_missing', `${archive} is not on the machine`, 'run the same command again');
  }
  if (!(await host.must(['sha256sum', archive])).startsWith(digest)) {
    await host.remove(archive);
    throw new BerthError(
      'upload_damaged',
      `${archive} is not what was uploaded: it was cut short or changed on the machine`,
      'run the same command again: it is sent anew',
    );
  }
  const partial = `${path}.partial`;
  await host.remove(partial);
  try {
    await mkdir(partial, { mode: 0o755 });
    await host.must(['tar', '-xzf', archive, '-C', partial, '--no-same-owner', '--no-same-permissions']);
    await host.must(['sync', '--file-system', partial]);
    await host.must(['mv', '--no-target-directory', partial, path]);
  } catch (error) {
    await host.remove(partial);
    throw diskFull(error) ?? error;
  }
  await host.remove(archive);
}
