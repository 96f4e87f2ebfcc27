import { basename } from 'node:path';
import { administrator } from './administrator.ts';
import { application, readEnvironment, webGroup } from './application.ts';
import { backupsRoot } from './backups/store.ts';
import { timerFiles } from './backups/timers.ts';
import { banSettings, bans, refusedLog } from './bans.ts';
import { appsOfBroker } from './broker/conf.ts';
import { broker, brokerSettings, noLongerBroker } from './broker/resources.ts';
import { brokerUnits } from './broker/units.ts';
import { firewall, firewallService, firewallUnit } from './firewall.ts';
import { undo, undoUnits } from './guard/resources.ts';
import {
  hardenedServices,
  hardening,
  hardeningPackages,
  hardeningUnits,
  inSandboxes,
  sandboxes,
  sshSandbox,
} from './hardening.ts';
import { keptSettings } from './kept-settings.ts';
import { admitted, admittedPath, maintenanceDirectories } from './maintenance.ts';
import { nginxFiles, nginxReload } from './nginx.ts';
import { pagesRoot, siteFiles } from './pages.ts';
import { clusterService, type Platform } from './platform.ts';
import { postgresqlConf } from './postgresql-conf.ts';
import { aptProxy } from './proxy.ts';
import { repository } from './push/repository.ts';
import { trustedAuthorities } from './resources/authorities.ts';
import { clockPackages } from './resources/clock.ts';
import { absent, block, directory, displaced, file, link, noOthers } from './resources/file.ts';
import { leftovers } from './resources/leftovers.ts';
import { hostname, swap, timezone } from './resources/machine.ts';
import { packages } from './resources/package.ts';
import { pages } from './resources/pages.ts';
import { closedDatabase, database, pendingRestart, role } from './resources/postgresql.ts';
import { currentRelease } from './resources/release.ts';
import { atTheEnd, type Resource, staying } from './resources/resource.ts';
import { daemonReload, noService, recordLoaded, service } from './resources/service.ts';
import { group } from './resources/user.ts';
import { rootUnit } from './root-unit.ts';
import type { AppSettings, Settings, SiteSecrets } from './settings.ts';
import { sshd, sshdDropIn, sshdService } from './sshd.ts';
import { render } from './template.ts';
import { certificateUnitFiles, certificateUnits } from './tls/account.ts';
import { certificates, issuance } from './tls/certificates.ts';
import { hstsPath, serverPath } from './tls/files.ts';
import { hsts } from './tls/installed.ts';

export type SiteInput = {
  settings: Settings;
  platform: Platform;
  /** What PostgreSQL is sized for, in MiB. */
  memoryMiB: number;
  /** The directories under /opt/berth/sources, runtime and web that hold this code, its Node and pm2, and the pages. */
  code: string;
  runtime: string;
  web: string;
  secrets?: SiteSecrets;
};

/** Everything that a machine has, in the order in which it comes to be. */
export function site(input: SiteInput): Resource[] {
  const { settings, platform } = input;
  const apps = Object.values(settings.apps);
  const units = [
    journald,
    nginxService,
    clusterService(platform),
    firewallService,
    ...apps.flatMap(({ name }) => [`${name}.service`, `${name}-workers.service`, `${name}@*.service`]),
    // A template is no unit that could be asked about; those made of it are.
    ...Object.keys(notifyUnits).map((unit) => unit.replace('@.', '@*.')),
    ...timerUnits,
    ...driftUnits,
    ...undoUnits,
    sshdService,
    ...hardeningUnits,
    ...(settings.tls.kind === 'letsencrypt' ? certificateUnits : []),
    ...(appsOfBroker(settings).length > 0 ? brokerUnits : []),
  ];
  return [
    ...machine(settings, platform),
    ...loadedRecords(input),
    ...restarts(platform),
    ...sandboxes(platform),
    ...banSettings(settings),
    ...brokerSettings(settings, input.memoryMiB),
    // Packages may come through both.
    aptProxyFile(settings),
    trustedAuthorities(settings.extraCa),
    packages(packageNames(settings, platform), clockPackages),
    ...administrator(settings),
    profile(settings, apps),
    ...sshd(settings, platform),
    ...berth(input, apps),
    ...notify(),
    ...atTheEnd(undo(settings)),
    ...backupFiles(settings),
    ...driftUnits.map((unit) =>
      file({ path: `/etc/systemd/system/${unit}`, content: render(`systemd/${unit}`) }),
    ),
    ...hardening(settings, platform),
    ...firewallUnit(settings),
    ...certificateUnitFiles(settings),
    ...apps.flatMap((app) => application(app, settings.admin.user)),
    ...apps.flatMap((app) => (app.push === 'none' ? [] : repository(settings.admin, app))),
    daemonReload(units),
    service(journald, { configuration: journaldFiles(settings), enabled: false }),
    ...postgresql(input, apps),
    ...broker(settings, input.memoryMiB),
    ...certificates(settings, input.secrets ?? {}),
    hsts(settings),
    ...nginx(input),
    bans(settings),
    ...apps.map(({ name }) => service(`${name}.service`)),
    keptSettings(settings),
    ...issuance(settings),
    service('berth-notify.path'),
    ...timers(settings),
    service('berth-drift.timer'),
    ...hardenedServices(settings),
    ...inSandboxes(settings, platform),
    ...sshSandbox(),
    ...apps.map((app) => currentRelease({ settings, app, runtime: input.runtime })),
    ...noLongerBroker(settings),
    ...firewall(settings),
  ];
}

const journald = 'systemd-journald.service';
const nginxService = 'nginx.service';
const clusterConf = (platform: Platform) => `/etc/postgresql/${platform.postgresql}/main/conf.d/berth.conf`;
const dropIns = (unit: string) => directory({ path: `/etc/systemd/system/${unit}.d` });

function packageNames(settings: Settings, { postgresql }: Platform): string[] {
  const { backup, apps, firewall, tls } = settings;
  const names = ['ca-certificates', 'sudo', 'openssl', 'tzdata', 'logrotate', 'libatomic1', 'nginx'];
  const sftp = backup.restic?.repository.startsWith('sftp:') ? ['openssh-client'] : [];
  const restic = backup.restic ? ['restic', ...sftp] : [];
  const git = Object.values(apps).some(({ push }) => push !== 'none') ? ['git'] : [];
  const filter = firewall.enabled ? ['nftables'] : [];
  // fail2ban only recommends what its backend of the journal is made of.
  const ban = firewall.ban ? ['fail2ban', 'python3-systemd', 'nftables'] : [];
  const acme = tls.kind === 'letsencrypt' ? ['certbot'] : [];
  const queue = appsOfBroker(settings).length > 0 ? ['rabbitmq-server'] : [];
  const database = [`postgresql-${postgresql}`, `postgresql-client-${postgresql}`];
  return [
    ...new Set([
      ...names,
      ...hardeningPackages,
      ...database,
      ...restic,
      ...git,
      ...filter,
      ...ban,
      ...acme,
      ...queue,
    ]),
  ];
}

function aptProxyFile({ proxy }: Settings): Resource {
  const path = '/etc/apt/apt.conf.d/80berth-proxy';
  const content = aptProxy(proxy);
  return content === '' ? absent(path) : file({ path, content });
}

function journaldFiles({ journal }: Settings) {
  return { '/etc/systemd/journald.conf.d/berth.conf': render('systemd/journald.conf', journal) };
}

/** systemd writes down which configuration these services have read; before the packages, so from their first start. */
function loadedRecords({ settings, platform }: SiteInput): Resource[] {
  const read: [string, string[]][] = [
    [journald, Object.keys(journaldFiles(settings))],
    [sshdService, [sshdDropIn]],
    [clusterService(platform), [clusterConf(platform)]],
    [nginxService, [...Object.keys(nginxFiles(settings, platform)), ...onlyHere(settings)]],
  ];
  return read.flatMap(([unit, paths]) => [dropIns(unit), recordLoaded(unit, paths)]);
}

/** How services come back, which journald has from systemd already; and how nginx reloads. */
function restarts(platform: Platform): Resource[] {
  const restarted = [clusterService(platform), nginxService].map((unit) =>
    file({
      path: `/etc/systemd/system/${unit}.d/berth-restart.conf`,
      content: render('systemd/restart.conf'),
    }),
  );
  const path = `/etc/systemd/system/${nginxService}.d/berth-closing.conf`;
  return [...restarted, file({ path, content: nginxReload() })];
}

function machine(settings: Settings, platform: Platform): Resource[] {
  // Debian 13 keeps the locale in locale.conf, with the older path a symlink to it.
  const localePath = platform.systemd >= 257 ? '/etc/locale.conf' : '/etc/default/locale';
  const configuration = journaldFiles(settings);
  return [
    ...staying('the host name', [
      hostname(settings.hostname),
      block({
        path: '/etc/hosts',
        lines: [`127.0.1.1 ${settings.hostname}`],
        mode: 0o644,
        owner: 'root',
        group: 'root',
      }),
    ]),
    timezone(settings.timezone),
    file({ path: localePath, content: `LANG=${settings.locale}\n` }),
    directory({ path: '/etc/systemd/journald.conf.d' }),
    ...Object.entries(configuration).map(([path, content]) => file({ path, content })),
    ...(settings.swap.mode === 'auto' ? [swap()] : []),
  ];
}

function profile({ admin }: Settings, apps: AppSettings[]): Resource {
  const { user } = admin;
  const lines = apps.slice(0, 1).map(readEnvironment);
  return block({ path: `/home/${user}/.profile`, lines, mode: 0o644, owner: user, group: user });
}

function berth({ code, runtime, web }: SiteInput, apps: AppSettings[]): Resource[] {
  return [
    directory({ path: '/etc/berth', holds: 'ours' }),
    ...atTheEnd([
      directory({ path: '/opt/berth', holds: 'ours' }),
      link('/opt/berth/code', `sources/${code}`),
      link('/opt/berth/node', `runtime/${runtime}`),
    ]),
    leftovers('/opt/berth/sources', [code], []),
    leftovers('/opt/berth/web', [web], []),
    leftovers(
      '/opt/berth/runtime',
      [runtime],
      apps.map(({ name }) => name),
    ),
    group(webGroup, { closed: true }),
  ];
}

const spool = { writable: ['/var/lib/berth/notify'] };
const notifyUnits = {
  'berth-notify.path': render('systemd/berth-notify.path'),
  'berth-notify.service': rootUnit('systemd/berth-notify.service', { ...spool, network: true }),
  // For OnFailure= of every timer's service.
  'berth-failed@.service': rootUnit('systemd/berth-failed@.service', spool),
};

function notify(): Resource[] {
  return [
    ...atTheEnd([
      directory({ path: '/var/lib/berth', holds: 'ours' }),
      directory({ path: '/var/lib/berth/notify', mode: 0o700 }),
    ]),
    ...Object.entries(notifyUnits).map(([unit, content]) =>
      file({ path: `/etc/systemd/system/${unit}`, content }),
    ),
  ];
}

const driftUnits = ['berth-drift.service', 'berth-drift.timer'];

const timerUnits = ['backup', 'drill'].flatMap((name) => [`berth-${name}.service`, `berth-${name}.timer`]);

function backupFiles(settings: Settings): Resource[] {
  const files = timerFiles(settings);
  const unwanted = timerUnits.filter((unit) => !(`/etc/systemd/system/${unit}` in files));
  return [
    directory({ path: '/var/backups', holds: 'theirs' }),
    directory({ path: backupsRoot, mode: 0o700, holds: 'data' }),
    ...unwanted.filter((unit) => unit.endsWith('.timer')).map((unit) => noService(unit)),
    ...unwanted.map((unit) => absent(`/etc/systemd/system/${unit}`)),
    ...Object.entries(files).map(([path, content]) => file({ path, content })),
  ];
}

/** After the settings that they go by are on the machine. */
function timers(settings: Settings): Resource[] {
  return Object.keys(timerFiles(settings))
    .filter((path) => path.endsWith('.timer'))
    .map((path) => service(basename(path)));
}

function postgresql({ settings, platform, memoryMiB }: SiteInput, apps: AppSettings[]): Resource[] {
  const cluster = { version: platform.postgresql };
  const unit = clusterService(platform);
  const configuration = { [clusterConf(platform)]: postgresqlConf(settings.postgresql, memoryMiB) };
  const local = apps.filter((app) => app.database === 'local').map(({ name }) => name);
  // None can take the others' connections; ten stay for people and the server itself.
  const share = Math.floor((settings.postgresql.maxConnections - 10) / Math.max(1, local.length));
  return [
    ...Object.entries(configuration).map(([path, content]) => file({ path, content })),
    service(unit, { configuration, onChange: 'reload' }),
    pendingRestart(cluster, unit, local),
    ...['postgres', 'template1'].map((name) => closedDatabase(cluster, name)),
    ...local.flatMap((name) => [role(cluster, name, share), database(cluster, name)]),
  ];
}

/** Files that nginx reads whose content only the machine knows. */
function onlyHere({ apps }: Settings): string[] {
  return [serverPath, hstsPath, ...Object.keys(apps).map(admittedPath)];
}

/** Comes back when Berth goes, unless port 80, which it listens on, may be another program's. */
function defaultSite({ nginx: { httpPort } }: Settings): Resource[] {
  const path = '/etc/nginx/sites-enabled/default';
  return httpPort === 80 ? [displaced(path)] : staying(`no ${path}`, [absent(path)]);
}

function nginx({ settings, platform, web }: SiteInput): Resource[] {
  const proof = ['nginx', '-t', '-q'];
  const configuration = nginxFiles(settings, platform);
  const described = siteFiles(settings);
  const apps = Object.keys(settings.apps);
  return [
    refusedLog(),
    directory({ path: '/etc/nginx/berth', holds: 'ours' }),
    ...defaultSite(settings),
    ...[...new Set(apps.flatMap(maintenanceDirectories))].map((path) => directory({ path })),
    ...apps.map(admitted),
    ...Object.entries(configuration).map(([path, content]) => file({ path, content, proofInPlace: proof })),
    directory({ path: pagesRoot, holds: 'ours' }),
    pages(web),
    ...Object.entries(described).map(([path, content]) => file({ path, content })),
    file({
      path: '/etc/logrotate.d/nginx',
      content: render('nginx/logrotate.conf'),
      proof: ['logrotate', '--debug', '{}'],
    }),
    service(nginxService, { configuration, alsoReads: onlyHere(settings), onChange: 'reload', proof }),
    // Once nginx has let go of what an earlier version had it read and serve.
    noOthers(
      '/etc/nginx/berth',
      /^/,
      Object.keys(configuration).map((path) => basename(path)),
    ),
    noOthers(pagesRoot, /^/, ['pages', web, ...Object.keys(described).map((path) => basename(path))]),
  ];
}
