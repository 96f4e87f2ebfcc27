import type { BackupStatus } from '../provisioning/backups/status.ts';
import type { DriftStatus } from '../provisioning/drift.ts';
import type { Load } from '../provisioning/load.ts';
import type { AppSettings, Settings } from '../provisioning/settings.ts';
import type { AppStatus } from '../provisioning/status.ts';
import type { CertificateStatus } from '../provisioning/tls/status.ts';
import type { UpdatesStatus } from '../provisioning/updates.ts';
import { reachNow } from './answering.ts';
import { readStatus } from './apply.ts';
import type { Context } from './command.ts';
import { holderText } from './holder.ts';
import { type MachineSide, openMachineSide } from './machine-side.ts';
import type { Reach } from './machines/machine.ts';

/** What `berth status` says; each value can be used as it is. */
export type Status = {
  host: string;
  machine: string;
  url: string;
  /** The path here of the authorities that this computer need not know; null: none, or before the first apply. */
  ca: string | null;
  /** A command line that ends where a remote command may follow. */
  ssh: string;
  /** Of the application that `--app` names, else of the first. */
  release: string | null;
  commit: string | null;
  healthy: boolean;
  /** What it says of its requests; null: nothing. */
  load: Load | null;
  /** Whether nginx answers 503 instead of the application. */
  maintenance: boolean;
  /** Who changes the machine just now; null: nobody. */
  holder: string | null;
  backups: BackupStatus;
  /** What was changed by hand since the last apply, as the machine found it at its last look. */
  drift: DriftStatus;
  /** Which updates wait, as of apt's last run; null: it has not run since the machine was applied. */
  updates: UpdatesStatus | null;
  /** What nginx has to serve with; null before the first apply. */
  certificate: CertificateStatus | null;
  /** Every application, or the one that `--app` names. */
  apps: Record<string, { url: string } & Omit<AppStatus, 'since'>>;
};

export async function describe(context: Context, side?: MachineSide): Promise<Status> {
  const machine = await context.machine();
  const settings = await context.settings();
  const reach = await reachNow(context);
  const status = await readStatus(context, side ?? (await openMachineSide(context)));
  const url = urlOf(settings, settings.tls.names[0] ?? '');
  const apps = (await context.apps()).map((name) => {
    const { since: _, ...about } = status.apps[name] as AppStatus;
    return [name, { url: appUrl(settings, settings.apps[name] as AppSettings), ...about }] as const;
  });
  const [, first] = apps[0] ?? [];
  return {
    host: context.flags.host,
    machine: `${machine.kind}, ${status.platform}`,
    url,
    ca: status.caPath,
    ssh: sshLine(reach, settings.admin.user),
    release: first?.release ?? null,
    commit: first?.commit ?? null,
    healthy: first?.healthy ?? false,
    load: first?.load ?? null,
    maintenance: first?.maintenance.on ?? false,
    holder: status.holder && holderText(status.holder),
    backups: status.backups,
    drift: status.drift,
    updates: status.updates,
    certificate: status.certificate,
    apps: Object.fromEntries(apps),
  };
}

/** Where people find an application: its first domain, else the machine's first name, and its part of that site. */
function appUrl(settings: Settings, { domains, prefix }: AppSettings): string {
  return `${urlOf(settings, domains[0] ?? settings.tls.names[0] ?? '')}${prefix === '/' ? '' : prefix}`;
}

function urlOf({ nginx: { publicHttpsPort } }: Settings, name: string): string {
  const port = publicHttpsPort === 443 ? '' : `:${publicHttpsPort}`;
  return `https://${name.includes(':') ? `[${name}]` : name}${port}`;
}

function sshLine({ sshConfig, port, alias }: Reach, user: string): string {
  const at = port === undefined ? [] : ['-p', `${port}`];
  return [...(sshConfig ? ['ssh', '-F', sshConfig] : ['ssh']), ...at, '-l', user, alias].join(' ');
}
