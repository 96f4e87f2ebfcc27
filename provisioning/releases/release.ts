import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { decodeEnvironment, encodeEnvironment, environmentParts, wantedEnvironment } from '../environment.ts';
import type { Host } from '../host.ts';
import { requireReady } from '../ready.ts';
import type { AppSettings, Settings } from '../settings.ts';
import { goLive, retireOthers, runningNumbers } from './cutover.ts';
import { decodeScale, formation, memoryLimitMiB, staysWarm } from './formation.ts';
import type { Steering } from './gate.ts';
import { isClustered, type Procfile, parseManifest, pm2Configuration, processesOf } from './procfile.ts';
import { prune } from './prune.ts';
import { releaseProcess, releaseScript, runReleaseProcess } from './release-process.ts';
import { requireRoom } from './room.ts';
import {
  layerPath,
  liveNumber,
  liveRelease,
  type Release,
  releasePath,
  reserveNumber,
  runtimePath,
  slugPath,
  socketPath,
  writeRelease,
  writeReleaseFile,
} from './store.ts';
import { readStores, type Stores, storeNames } from './stores.ts';
import { unitFiles } from './units.ts';

export type ReleaseInput = Pick<Release, 'slug' | 'layer' | 'runtime' | 'commit' | 'reason' | 'by'>;

export type ReleaseOptions = Steering & {
  /** Runs the Procfile's release process before it starts. */
  migrate: boolean;
  /** What it is made with instead of what stands in `/etc/<app>`; that follows once it goes live. */
  stores?: Partial<Stores>;
};

/**
 * Lets go of the warm release, whose place the next one takes, and refuses what there is no room for.
 *
 * @throws BerthError `disk_short`, `memory_short`
 */
export async function makeRoom(
  host: Host,
  settings: Settings,
  app: AppSettings,
  { say, stop, stores }: Pick<ReleaseOptions, 'say' | 'stop' | 'stores'>,
): Promise<void> {
  const cutover = { host, app, say, stop, warm: staysWarm(settings, app, host) };
  await retireOthers(cutover, [await liveNumber(host, app.name)]);
  const scale = decodeScale(stores?.scale ?? (await readStores(host, app.name)).scale);
  await requireRoom(host, settings, app.name, formation(host, settings, app, scale));
}

/** Makes the next release of an application, for which `makeRoom` has made room, and brings it live. */
export async function release(
  host: Host,
  settings: Settings,
  app: AppSettings,
  input: ReleaseInput,
  { migrate, say, stop, stores: given }: ReleaseOptions,
): Promise<Release> {
  const stores = { ...(await readStores(host, app.name)), ...given };
  await requireReady(host, app, stores.env);
  const cutover = { host, app, say, stop, warm: staysWarm(settings, app, host) };
  const live = await liveRelease(host, app.name);
  const processes = formation(host, settings, app, decodeScale(stores.scale));
  const parts = {
    ...input,
    processes,
    environment: digest(stores.env),
    units: unitsDigest(app),
    memoryLimitMiB: memoryLimitMiB(host, settings, app, processes),
  };
  const made: Release = {
    number: await reserveNumber(host, app.name),
    ...parts,
    changed: changedParts(live, parts),
    bytes: live?.slug === input.slug ? live.bytes : await sizeOf(host, app.name, input),
    replaced: live?.number ?? null,
    createdAt: new Date().toISOString(),
    state: 'starting',
  };
  await lay(host, settings, app, made, stores);
  if (migrate) await runReleaseProcess(host, settings, app, made, { say, stop });
  await goLive(cutover, made);
  await prune(host, app, [made.number, ...(await runningNumbers(host, app.name))]);
  return made;
}

type Parts = Pick<Release, 'slug' | 'environment' | 'processes' | 'memoryLimitMiB' | 'runtime' | 'units'>;

const partOf: Record<Release['changed'][number], keyof Parts> = {
  slug: 'slug',
  config: 'environment',
  scale: 'processes',
  memory: 'memoryLimitMiB',
  runtime: 'runtime',
  units: 'units',
};

function changedParts(before: Parts | null, made: Parts): Release['changed'] {
  if (before === null) return ['slug'];
  const names = Object.keys(partOf) as Release['changed'];
  return names.filter((name) => {
    const part = partOf[name];
    return JSON.stringify(before[part]) !== JSON.stringify(made[part]);
  });
}

async function sizeOf(host: Host, app: string, { slug, layer }: ReleaseInput): Promise<number> {
  const paths = [slugPath(app, slug), layerPath(app, layer)];
  const said = await host.must(['du', '--summarize', '--total', '--block-size=1', ...paths]);
  return Number(said.match(/^(\d+)\ttotal$/m)?.[1] ?? 0);
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function unitsDigest(app: AppSettings): string {
  return digest(Object.values(unitFiles(app)).join('\n'));
}

/** The processes that a slug names, with their commands. */
export async function readProcfile(host: Host, app: string, slug: string): Promise<Procfile> {
  const path = slugPath(app, slug);
  const manifest = parseManifest(await host.read(`${path}/package.json`));
  return processesOf(await host.read(`${path}/Procfile`), manifest);
}

async function lay(host: Host, settings: Settings, app: AppSettings, made: Release, stores: Stores) {
  const path = releasePath(app.name, made.number);
  const cwd = slugPath(app.name, made.slug);
  const procfile = await readProcfile(host, app.name, made.slug);
  const options = {
    app: app.name,
    release: made.number,
    procfile,
    processes: made.processes,
    cwd,
    preload: `${path}/preload.mjs`,
    socket: socketPath(app.name, made.number),
    drainMs: app.drainMs,
    startTimeoutMs: app.startTimeoutMs,
    memoryLimitMiB: made.memoryLimitMiB,
  };
  const workers = pm2Configuration('workers', options);
  const pool = poolSize(settings, made.processes);
  await host.link(`${path}/app`, cwd);
  await host.link(`${path}/runtime`, runtimePath(made.runtime));
  const files = {
    [storeNames.env]: stores.env,
    [storeNames.config]: stores.config,
    [storeNames.scale]: stores.scale,
    'preload.mjs': (await host.read(join(import.meta.dirname, 'preload.mjs'))) ?? '',
    'release.env': `RELEASE="v${made.number}"\nDATABASE_POOL_MAX="${pool}"\n`,
    'pm2.json': `${JSON.stringify(pm2Configuration('web', options), null, 2)}\n`,
    // Another program would not know the signal that preload.mjs takes.
    'pm2.env': isClustered(procfile.web as string) ? 'PM2_KILL_SIGNAL="SIGPWR"\n' : '',
    // Where there is nothing to run, its unit is not started.
    ...(workers.apps.length > 0 ? { 'workers.json': `${JSON.stringify(workers, null, 2)}\n` } : {}),
    ...(procfile.release ? { [releaseScript]: releaseProcess(app, procfile.release) } : {}),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeReleaseFile(host, app.name, made.number, name, content);
  }
  await writeRelease(host, app.name, made);
}

/** Connections a process may hold so that two releases of every application fit beside a reserve of ten. */
export function poolSize({ postgresql, apps }: Settings, processes: Record<string, number>): number {
  const running = Object.values(processes).reduce((sum, count) => sum + count, 0);
  const share = (postgresql.maxConnections - 10) / Object.keys(apps).length / 2 / Math.max(1, running);
  return Math.max(1, Math.min(10, Math.floor(share)));
}

/** Why the live release is not what the settings and the runtime say; null: it is, or there is none yet. */
export async function outdated(
  host: Host,
  settings: Settings,
  app: AppSettings,
  runtime: string,
): Promise<string | null> {
  const live = await liveRelease(host, app.name);
  if (!live) return null;
  const { env, config, scale } = await readStores(host, app.name);
  const known = decodeEnvironment(env);
  const wanted = wantedEnvironment(environmentParts(app), decodeEnvironment(config), known);
  const processes = formation(host, settings, app, decodeScale(scale));
  const reasons = [
    live.environment === digest(encodeEnvironment(wanted)) ? [] : ['another environment'],
    live.runtime === runtime ? [] : ['another Node or pm2'],
    live.units === unitsDigest(app) ? [] : ['other unit files'],
    JSON.stringify(live.processes) === JSON.stringify(processes) ? [] : ['another formation'],
    live.memoryLimitMiB === memoryLimitMiB(host, settings, app, processes) ? [] : ['another memory limit'],
  ];
  return reasons.flat().join(', ') || null;
}
