import { messageOf } from '../errors.ts';
import type { Host } from '../host.ts';
import type { AppSettings, Settings } from '../settings.ts';
import { clearLeftovers, holdsData, makeBackup, prune } from './backup.ts';
import { withBackupLock } from './lock.ts';

export type BeforeRelease = {
  number: number;
  by: string;
  say: (text: string) => void;
  stop: AbortSignal;
};

const waitMs = 15 * 60_000;

/**
 * Dumps an application's database before its release process alters it. A backup that runs just now is waited for:
 * the locks that it holds would make the migration fail.
 *
 * @returns the dump's id; null where there is nothing to dump, or the settings want none
 */
export async function dumpBeforeRelease(
  host: Host,
  settings: Settings,
  app: AppSettings,
  { number, by, say, stop }: BeforeRelease,
): Promise<string | null> {
  if (!app.dumpBeforeRelease || !(await holdsData(host, app))) return null;
  const what = `the dump of ${app.name} before v${number}`;
  return withBackupLock(host, { what, waitMs, say, stop }, async () => {
    await clearLeftovers(host, settings);
    const label = `release-${app.name}-v${number}`;
    const reason = `before the release process of v${number}`;
    const manifest = await makeBackup(host, settings, {
      ...{ kind: 'release', label, by, reason, databaseOf: app, say },
    });
    // What is too many is not worth a failed deploy: the next backup tries again, and is heard when it fails.
    await prune(host, settings).catch((error) => say(`old backups stay: ${messageOf(error)}`));
    return manifest.id;
  });
}
