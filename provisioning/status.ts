import { type BackupStatus, backupStatus } from './backups/status.ts';
import { type DriftStatus, driftStatus } from './drift.ts';
import type { Host } from './host.ts';
import { type Load, measureLoad } from './load.ts';
import { type Maintenance, readMaintenance } from './maintenance.ts';
import { get } from './releases/probe.ts';
import { liveRelease, type Release, socketPath } from './releases/store.ts';
import { holder, type RunInfo } from './runs.ts';
import type { Settings } from './settings.ts';
import { type CertificateStatus, certificateStatus } from './tls/status.ts';
import { readUpdates, type UpdatesStatus } from './updates.ts';

export type AppStatus = {
  /** `v3`; null before the first deploy. */
  release: string | null;
  commit: string | null;
  since: string | null;
  /** Whether the health path answers 200 on the live release's own socket. */
  healthy: boolean;
  /** Where it measures itself as the bundled API does; null: it does not, or does not run. */
  load: Load | null;
  maintenance: Maintenance;
};

export type MachineStatus = {
  platform: string;
  /** PEM of the machine's certificate authority; null before the first apply. */
  ca: string | null;
  apps: Record<string, AppStatus>;
  /** The run that holds the machine; null: nobody. */
  holder: RunInfo | null;
  backups: BackupStatus;
  drift: DriftStatus;
  updates: UpdatesStatus | null;
  certificate: CertificateStatus | null;
};

export async function status(
  { settings }: { settings: Settings },
  { host }: { host: Host },
): Promise<MachineStatus> {
  const apps = Object.values(settings.apps).map(async ({ name, health }) => {
    const live = await liveRelease(host, name);
    const about = await appStatus(name, health, live);
    return [name, { ...about, maintenance: await readMaintenance(host, name) }] as const;
  });
  const { name: platform } = await host.facts.platform();
  const ca = await host.read('/etc/berth/tls/ca.pem');
  const [each, held, backups, drift, updates, certificate] = await Promise.all([
    Promise.all(apps),
    holder(undefined, { host }),
    backupStatus(host, settings),
    driftStatus(host),
    readUpdates(host),
    certificateStatus(host, settings),
  ]);
  const about = { holder: held, backups, drift, updates, certificate };
  return { platform, ca, apps: Object.fromEntries(each), ...about };
}

async function appStatus(
  name: string,
  health: string,
  live: Release | null,
): Promise<Omit<AppStatus, 'maintenance'>> {
  if (!live) return { release: null, commit: null, since: null, healthy: false, load: null };
  const socket = socketPath(name, live.number);
  // One after the other, since a question of ours is a request, too.
  const answer = await get(socket, health, 5000).catch(() => null);
  const load = await measureLoad(socket);
  return {
    release: `v${live.number}`,
    commit: live.commit,
    since: live.createdAt,
    healthy: answer?.status === 200,
    load,
  };
}
