import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { decodeEnvironment, encodeEnvironment, environmentParts, wantedEnvironment } from '../environment.ts';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { AppSettings, Settings } from '../settings.ts';
import { goLive, retireOthers, runningNumbers } from './cutover.ts';
import { lastLines, type Say } from './gate.ts';
import { parseProcfile, pm2Configuration } from './procfile.ts';
import { prune } from './prune.ts';
import {
  liveNumber,
  liveRelease,
  type Release,
  releasePath,
  reserveNumber,
  runtimePath,
  slugPath,
  writeRelease,
  writeReleaseFile,
} from './store.ts';
import { unitFiles } from './units.ts';

export type ReleaseInput = Pick<Release, 'slug' | 'layer' | 'runtime' | 'commit' | 'reason' | 'by'>;

export type ReleaseOptions = {
  /** Runs the Procfile's release process before it starts. */
  migrate: boolean;
  say: Say;
  stop: AbortSignal;
};

/** Makes the next release of an application and brings it live. */
export async function release(
  host: Host,
  settings: Settings,
  app: AppSettings,
  input: ReleaseInput,
  { migrate, say, stop }: ReleaseOptions,
): Promise<Release> {
  const environment = (await host.read(`/etc/${app.name}/env`)) ?? missingEnvironment(app.name);
  const cutover = { host, app, say, stop, warm: staysWarm(settings, host) };
  await retireOthers(cutover, [await liveNumber(host, app.name)]);
  const made: Release = {
    number: await reserveNumber(host, app.name),
    ...input,
    processes: formation(app, settings, host),
    environment: digest(environment),
    units: await unitsDigest(host, app),
    createdAt: new Date().toISOString(),
    state: 'starting',
  };
  await lay(host, settings, app, made, environment);
  if (migrate) await runReleaseProcess(host, app.name, made, say);
  await goLive(cutover, made);
  await prune(host, app.name, [made.number, ...(await runningNumbers(host, app.name))]);
  return made;
}

/** Twice the memory of an application is too much to ask of a small machine once a flip is over. */
export function staysWarm(settings: Settings, host: Host): boolean {
  return memoryOf(settings, host) >= 2000;
}

function memoryOf({ memoryMiB }: Settings, host: Host): number {
  return Math.min(memoryMiB ?? host.memoryMiB, host.memoryMiB);
}

function missingEnvironment(app: string): never {
  throw new BerthError('not_applied', `/etc/${app}/env is not on the machine`, 'run: berth apply');
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function unitsDigest(host: Host, app: AppSettings): Promise<string> {
  return digest(Object.values(unitFiles(await host.facts.platform(), app)).join('\n'));
}

/** How many of each process: what the settings say; `0` for web is resolved from the CPUs and the memory. */
export function formation(app: AppSettings, settings: Settings, host: Host): Record<string, number> {
  const web = memoryOf(settings, host) < 2000 ? 1 : Math.min(4, availableParallelism());
  return { ...app.processes, web: app.processes.web || web };
}

async function lay(host: Host, settings: Settings, app: AppSettings, made: Release, environment: string) {
  const path = releasePath(app.name, made.number);
  const cwd = slugPath(app.name, made.slug);
  const procfile = parseProcfile((await host.read(`${cwd}/Procfile`)) ?? '');
  const pm2 = pm2Configuration({
    app: app.name,
    procfile,
    processes: made.processes,
    cwd,
    preload: `${path}/preload.mjs`,
    drainMs: app.drainMs,
  });
  const pool = poolSize(settings, made.processes);
  await host.link(`${path}/app`, cwd);
  await host.link(`${path}/runtime`, runtimePath(made.runtime));
  const files = {
    env: environment,
    'preload.mjs': (await host.read(join(import.meta.dirname, 'preload.mjs'))) ?? '',
    'pool.env': `DATABASE_POOL_MAX="${pool}"\n`,
    'pm2.json': `${JSON.stringify(pm2, null, 2)}\n`,
    'release.sh': `${procfile.release ? `exec ${procfile.release}` : ':'}\n`,
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

async function runReleaseProcess(
  host: Host,
  app: string,
  made: Release,
  say: (text: string) => void,
): Promise<void> {
  const unit = `${app}-release@${made.number}.service`;
  say('the release process runs');
  if ((await host.run(['systemctl', 'start', unit])).code === 0) return;
  const log = await lastLines(host, unit);
  await writeRelease(host, app, { ...made, state: 'failed', failure: 'the release process failed' });
  const what = `the release process of v${made.number} of ${app} failed`;
  // PostgreSQL's own words for lock_timeout (55P03).
  if (/due to lock timeout/.test(log)) {
    throw new BerthError(
      'release_process_blocked',
      `${what}, since it waited for a lock that somebody else holds:\n${log}`,
      'find who holds it (berth psql: select pid, query from pg_stat_activity), then deploy again; the release before still serves',
    );
  }
  throw new BerthError(
    'release_process_failed',
    `${what}:\n${log}`,
    'the release that ran before still serves; mend the migration and deploy again',
  );
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
  const known = decodeEnvironment((await host.read(`/etc/${app.name}/env`)) ?? '');
  const environment = encodeEnvironment(wantedEnvironment(environmentParts(app), known));
  const reasons = [
    live.environment === digest(environment) ? [] : ['another environment'],
    live.runtime === runtime ? [] : ['another Node or pm2'],
    live.units === (await unitsDigest(host, app)) ? [] : ['other unit files'],
    JSON.stringify(live.processes) === JSON.stringify(formation(app, settings, host))
      ? []
      : ['another formation'],
  ];
  return reasons.flat().join(', ') || null;
}
