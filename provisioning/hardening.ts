import { clusterService, type Platform } from './platform.ts';
import { keptClock } from './resources/clock.ts';
import { confined, recordStart } from './resources/confined.ts';
import { absent, directory, file } from './resources/file.ts';
import { blockedModules, kernelSettings, parseModules } from './resources/kernel.ts';
import { lineValues, modes } from './resources/login.ts';
import { mountOptions } from './resources/mounts.ts';
import { type Resource, risky } from './resources/resource.ts';
import { noService, service } from './resources/service.ts';
import { recordedUpdates } from './resources/updates.ts';
import { rootUnit } from './root-unit.ts';
import type { Settings } from './settings.ts';
import { sshdService } from './sshd.ts';
import { render } from './template.ts';

const systemd = '/etc/systemd/system';

export const hardeningPackages = ['unattended-upgrades', 'needrestart', 'debsums', 'libpam-passwdqc'];

export const blockedModulesPath = '/etc/modprobe.d/berth.conf';

/** Units that systemd is to know of. */
export const hardeningUnits = [
  'berth-mounts.service',
  'berth-updates.service',
  'berth-reboot.service',
  'berth-reboot.timer',
  'fail2ban.service',
];

/** The distribution's services, and the template of what each may do. */
function sandboxed(platform: Platform): [unit: string, template: string][] {
  return [
    ['nginx.service', 'systemd/nginx-sandbox.conf'],
    [clusterService(platform), 'systemd/postgresql-sandbox.conf'],
    ['fail2ban.service', 'systemd/fail2ban-sandbox.conf'],
  ];
}

function dropIn([unit, template]: [string, string]): Record<string, string> {
  const path = `${systemd}/${unit}.d/berth-sandbox.conf`;
  return { [path]: render(template, { recorded: recordStart(path) }) };
}

/** Before the packages, so that their services are in their sandboxes from their first start. */
export function sandboxes(platform: Platform): Resource[] {
  return [
    directory({ path: `${systemd}/fail2ban.service.d` }),
    ...sandboxed(platform).flatMap((one) =>
      Object.entries(dropIn(one)).map(([path, content]) => file({ path, content })),
    ),
  ];
}

/** Once those services run; what serves a live application is not restarted for it. */
export function inSandboxes({ apps }: Settings, platform: Platform): Resource[] {
  const serving = ['nginx.service', clusterService(platform)];
  return sandboxed(platform).map((one) => {
    const [unit] = one;
    return confined(unit, { dropIn: dropIn(one), disturbs: serving.includes(unit) ? Object.keys(apps) : [] });
  });
}

/** sshd's, which a mistake in would lock people out. */
export function sshSandbox(): Resource[] {
  const files = dropIn([sshdService, 'systemd/ssh-sandbox.conf']);
  const risk = {
    paths: Object.keys(files),
    restore: [
      ['systemctl', 'daemon-reload'],
      ['systemctl', 'restart', sshdService],
    ],
  };
  return [
    ...Object.entries(files).map(([path, content]) => file({ path, content })),
    confined(sshdService, { dropIn: files, disturbs: [] }),
  ].map((resource) => risky(risk, resource));
}

/** What of the operating system is held back, after its packages. */
export function hardening(settings: Settings, platform: Platform): Resource[] {
  return [
    kernelSettings('/etc/sysctl.d/99-zz-berth.conf', render('provisioning/files/sysctl.conf')),
    blockedModules(blockedModulesPath, modulesFor(platform)),
    ...logins(),
    ...upgrades(settings),
    file({ path: `${systemd}/berth-mounts.service`, content: mountsUnit }),
    keptClock(),
  ];
}

/** Those that want their units known to systemd. */
export function hardenedServices({ upgrades: { reboot } }: Settings): Resource[] {
  const options = ['nosuid', 'nodev', 'noexec'];
  return [
    service('berth-mounts.service'),
    mountOptions('berth-mounts.service', { '/dev/shm': options, '/tmp': options }),
    recordedUpdates('berth-updates.service'),
    ...(reboot === 'off' ? [] : [service('berth-reboot.timer')]),
  ];
}

// Berth's code on the machine, whichever it is then.
const script = '/opt/berth/code/provisioning/files/mounts.sh';
const mountsUnit = render('systemd/berth-mounts.service', { script });

/** Ubuntu's snaps are squashfs. */
function modulesFor({ name }: Platform): string[] {
  const all = parseModules(render('provisioning/files/modules.txt'));
  return name.startsWith('ubuntu') ? all.filter((module) => module !== 'squashfs') : all;
}

function logins(): Resource[] {
  const issue = render('provisioning/files/issue');
  const crons = ['cron.d', 'cron.daily', 'cron.hourly', 'cron.weekly', 'cron.monthly'];
  return [
    file({ path: '/etc/profile.d/berth.sh', content: render('provisioning/files/login.sh') }),
    file({ path: '/etc/security/limits.d/berth.conf', content: render('provisioning/files/limits.conf') }),
    directory({ path: '/etc/systemd/coredump.conf.d' }),
    file({
      path: '/etc/systemd/coredump.conf.d/berth.conf',
      content: render('provisioning/files/coredump.conf'),
    }),
    ...['/etc/issue', '/etc/issue.net'].map((path) => file({ path, content: issue })),
    // No PASS_MAX_DAYS: a password that ends locks out who logs in by key too (pam_unix), a year later. The rest of
    // what is said of passwords here counts for those that people set by themselves: ours are all locked.
    lineValues('/etc/login.defs', {
      UMASK: '027',
      PASS_MIN_DAYS: '1',
      SHA_CRYPT_MIN_ROUNDS: '100000',
      SHA_CRYPT_MAX_ROUNDS: '100000',
    }),
    modes({
      '/etc/crontab': 0o600,
      ...Object.fromEntries(crons.map((name) => [`/etc/${name}`, 0o700])),
      '/etc/sudoers.d': 0o750,
    }),
    file({ path: '/etc/default/debsums', content: render('provisioning/files/debsums') }),
  ];
}

function upgrades({ upgrades: { automatic, reboot }, apps }: Settings): Resource[] {
  // Perl's own quoting; names of applications are letters, digits and dashes.
  const names = [
    ...Object.keys(apps).map((app) => `${app}(@|-workers|-release|\\.)`),
    'berth-',
    'nginx',
    'postgresql',
    'rabbitmq-server',
    'epmd',
  ];
  const units = {
    'berth-updates.service': rootUnit('systemd/berth-updates.service', {
      writable: ['/var/lib/berth'],
      // For needrestart.
      capabilities: ['CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE'],
      processes: true,
    }),
    'berth-reboot.service': render('systemd/berth-reboot.service'),
    ...(reboot === 'off'
      ? {}
      : { 'berth-reboot.timer': render('systemd/berth-reboot.timer', { at: reboot }) }),
  };
  return [
    file({
      // After all others, which it overrules.
      path: '/etc/apt/apt.conf.d/99zz-berth',
      content: render('provisioning/files/apt-upgrades.conf', {
        automatic: automatic ? '1' : '0',
      }),
    }),
    directory({ path: '/etc/needrestart', holds: 'theirs' }),
    directory({ path: '/etc/needrestart/conf.d', holds: 'theirs' }),
    file({
      path: '/etc/needrestart/conf.d/zz-berth.conf',
      content: render('provisioning/files/needrestart.conf', {
        patterns: names.map((name) => `  qr(^${name}),`).join('\n'),
      }),
      proof: ['perl', '-c', '{}'],
    }),
    ...(reboot === 'off' ? [noService('berth-reboot.timer'), absent(`${systemd}/berth-reboot.timer`)] : []),
    ...Object.entries(units).map(([unit, content]) => file({ path: `${systemd}/${unit}`, content })),
  ];
}
