import { dumpBeforeRelease } from '../backups/before-release.ts';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { AppSettings, Settings } from '../settings.ts';
import { lastLines, type Steering } from './gate.ts';
import { shellCommand } from './procfile.ts';
import { type Release, releasePath, writeRelease } from './store.ts';

/** The file of a release that its release process is run from; there is none where the Procfile names none. */
export const releaseScript = 'release.sh';

/** A migration that waits for a lock makes every query behind it wait too: libpq and node-postgres both read these. */
const limits = '-c lock_timeout=2s -c statement_timeout=10min';

/** What the shell runs; the application's own PGOPTIONS win. A pooler elsewhere may not take any. */
export function releaseProcess({ database }: Pick<AppSettings, 'database'>, command: string): string {
  const options = database === 'local' ? `export PGOPTIONS="\${PGOPTIONS-${limits}}"\n` : '';
  return `${options}${shellCommand(command)}\n`;
}

/** Runs it once, where the Procfile names one; what it does to the data is dumped first. */
export async function runReleaseProcess(
  host: Host,
  settings: Settings,
  app: AppSettings,
  made: Release,
  { say, stop }: Steering,
): Promise<void> {
  if (!(await host.stat(`${releasePath(app.name, made.number)}/${releaseScript}`))) return;
  const dump = await dumpFirst(host, settings, app, made, { say, stop });
  const unit = `${app.name}-release@${made.number}.service`;
  say('the release process runs');
  if ((await host.run(['systemctl', 'start', unit])).code === 0) return;
  const log = await lastLines(host, unit);
  await writeRelease(host, app.name, { ...made, state: 'failed', failure: 'the release process failed' });
  const what = `the release process of v${made.number} of ${app.name} failed`;
  const back = dump === null ? '' : `; the data from before it: berth backup restore ${dump}`;
  // PostgreSQL's own words for lock_timeout (55P03).
  if (/due to lock timeout/.test(log)) {
    throw new BerthError(
      'release_process_blocked',
      `${what}, since it waited for a lock that somebody else holds:\n${log}`,
      `find who holds it (berth psql: select pid, query from pg_stat_activity), then deploy again; the release before still serves${back}`,
    );
  }
  throw new BerthError(
    'release_process_failed',
    `${what}:\n${log}`,
    `the release that ran before still serves; mend the migration and deploy again${back}`,
  );
}

/** A migration that destroys something is the one change that no rollback brings back. */
async function dumpFirst(
  host: Host,
  settings: Settings,
  app: AppSettings,
  made: Release,
  options: Steering,
): Promise<string | null> {
  try {
    return await dumpBeforeRelease(host, settings, app, { number: made.number, by: made.by, ...options });
  } catch (error) {
    const failure = 'its database could not be dumped before the release process';
    await writeRelease(host, app.name, { ...made, state: 'failed', failure });
    throw error;
  }
}
