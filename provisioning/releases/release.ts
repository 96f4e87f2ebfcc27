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
import { requireDisk, requireMemory } from './room.ts';
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
 * Lets go of the warm release, whose place the next one takes, and refuses what the disk has no room for.
 *
 * @throws BerthError `disk_short`
 */
export async function makeRoom(
  host: Host,
  settings: Settings,
  app: AppSettings,
  { say, stop }: Steering,
): Promise<void> {
  const cutover = { host, app, say, stop, warm: staysWarm(settings, app, host) };
  await retireOthers(cutover, [await liveNumber(host, app.name)]);
  await requireDisk(app.name);
}

/**
 * Makes the next release of an application, for which `makeRoom` has made room, and brings it live.
 *
 * @throws BerthError `memory_short`, and those of the release process and of the cutover
 */
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
  const procfile = await readProcfile(host, app.name, input.slug);
  const processes = formation(host, settings, app, procfile, decodeScale(stores.scale));
  await requireMemory(host, settings, processes);
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
  await lay(host, settings, app, made, { procfile, stores });
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

async function lay(
  host: Host,
  settings: Settings,
  app: AppSettings,
  made: Release,
  { procfile, stores }: { procfile: Procfile; stores: Stores },
) {
  const path = releasePath(app.name, made.number);
  const cwd = slugPath(app.name, made.slug);
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
  const pool = poolSize(settings, app, made.processes);
  await host.link(`${path}/app`, cwd);
  await host.link(`${path}/runtime`, runtimePath(made.runtime));
  const files = {
    [storeNames.env]: stores.env,
    [storeNames.config]: stores.config,
    [storeNames.scale]: stores.scale,
    'preload.mjs': (await host.read(join(import.meta.dirname, 'preload.mjs'))) ?? '',
    'release.env': `RELEASE="v${made.number}"\nDATABASE_POOL_MAX="${pool}"\nDRAIN_MS="${app.drainMs}"\n`,
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

/**
 * What a worker of the bundled API holds beside its pool: two processes that try what may end it, and where tasks wait in
 * the database pg-boss's own connections, of which one listens.
 */
const besidePool = { postgres: 2 + 5, rabbitmq: 2 };

/**
 * Connections a process may have in its pool so that every application fits beside a reserve of ten: of web those of two
 * releases, which run side by side for a while.
 */
export function poolSize(
  { postgresql, apps }: Pick<Settings, 'postgresql' | 'apps'>,
  { queue }: Pick<AppSettings, 'queue'>,
  processes: Record<string, number>,
): number {
  const { web = 0, worker = 0 } = processes;
  const pools = Object.values(processes).reduce((sum, count) => sum + count, web);
  const share = (postgresql.maxConnections - 10) / Object.keys(apps).length - worker * besidePool[queue];
  return Math.max(1, Math.min(10, Math.floor(share / Math.max(1, pools))));
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
  const procfile = await readProcfile(host, app.name, live.slug);
  const processes = formation(host, settings, app, procfile, decodeScale(scale));
  const reasons = [
    live.environment === digest(encodeEnvironment(wanted)) ? [] : ['another environment'],
    live.runtime === runtime ? [] : ['another Node or pm2'],
    live.units === unitsDigest(app) ? [] : ['other unit files'],
    JSON.stringify(live.processes) === JSON.stringify(processes) ? [] : ['another formation'],
    live.memoryLimitMiB === memoryLimitMiB(host, settings, app, processes) ? [] : ['another memory limit'],
  ];
  return reasons.flat().join(', ') || null;
}
