import type { Host, Stat } from '../host.ts';
import type { Settings } from '../settings.ts';
import type { Check, Finding, Rule, Subject } from './finding.ts';
import { judge } from './finding.ts';
import { isPublished, ownFiles } from './own-files.ts';

/** A path, or the last part of one as a pattern; the most that its mode may allow; its owner and group. */
type Wanted = { path: string; mode: number; owner?: string; group?: string };

const fix = 'berth apply; what it does not keep: chmod and chown as the evidence says';

/** Modes and owners of what only some may read or change. */
export const modes: Check = { id: 'modes', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const own = await ownFiles(host, { closed: false });
  const parts: [Rule, Wanted[]][] = [
    [
      {
        id: 'modes.accounts',
        title: 'accounts and sudo rules are root’s',
        fix,
        reference: 'CIS Debian 12 7.1',
      },
      accounts,
    ],
    [
      {
        id: 'modes.ssh',
        title: 'SSH host keys and settings are root’s',
        fix,
        reference: 'CIS Debian 12 5.1.1, 5.1.2',
      },
      ssh,
    ],
    [
      {
        id: 'modes.homes',
        title: 'homes and their keys are their owners’',
        fix,
        reference: 'CIS Debian 12 7.2.9',
      },
      homes(settings),
    ],
    [
      { id: 'modes.berth', title: 'keys, backups and state of Berth are root’s', fix, reference: 'Berth' },
      [...berth, ...own.map((path) => ({ path, mode: isPublished(path) ? 0o644 : 0o600, ...root }))],
    ],
    [
      {
        id: 'modes.applications',
        title: 'environments and releases are their application’s',
        fix,
        reference: 'Berth',
      },
      applications(settings),
    ],
  ];
  return Promise.all(
    parts.map(async ([rule, wanted]) => {
      const seen = (await Promise.all(wanted.map((one) => look(host, one)))).flat();
      return judge(
        rule,
        seen.flatMap(({ wrong }) => wrong),
        `${seen.length} as they shall be`,
      );
    }),
  );
}

const root = { owner: 'root', group: 'root' };
const accounts: Wanted[] = [
  { path: '/etc/passwd', mode: 0o644, ...root },
  { path: '/etc/group', mode: 0o644, ...root },
  { path: '/etc/shadow', mode: 0o640, owner: 'root', group: 'shadow' },
  { path: '/etc/gshadow', mode: 0o640, owner: 'root', group: 'shadow' },
  { path: '/etc/sudoers', mode: 0o440, ...root },
  { path: '/etc/sudoers.d', mode: 0o755, ...root },
  { path: '/etc/sudoers.d/*', mode: 0o440, ...root },
];
const ssh: Wanted[] = [
  { path: '/etc/ssh/sshd_config', mode: 0o644, ...root },
  { path: '/etc/ssh/sshd_config.d', mode: 0o755, ...root },
  { path: '/etc/ssh/sshd_config.d/*', mode: 0o644, ...root },
  { path: '/etc/ssh/*_key', mode: 0o600, ...root },
  { path: '/etc/ssh/*_key.pub', mode: 0o644, ...root },
];
const berth: Wanted[] = [
  { path: '/etc/berth', mode: 0o755, ...root },
  { path: '/etc/berth/tls', mode: 0o755, ...root },
  { path: '/opt/berth', mode: 0o755, ...root },
  { path: '/var/lib/berth', mode: 0o755, ...root },
  ...['guard', 'notify', 'operators', 'originals'].map((name) => {
    return { path: `/var/lib/berth/${name}`, mode: 0o700, ...root };
  }),
  { path: '/var/backups/berth', mode: 0o700, ...root },
];

function homes({ admin }: Settings): Wanted[] {
  const own = { owner: admin.user, group: admin.user };
  return [
    { path: '/root', mode: 0o700, ...root },
    { path: '/root/.ssh', mode: 0o700, ...root },
    { path: '/home/*', mode: 0o750 },
    { path: `/home/${admin.user}`, mode: 0o750, ...own },
    { path: `/home/${admin.user}/.ssh`, mode: 0o700, ...own },
    { path: `/home/${admin.user}/.ssh/authorized_keys`, mode: 0o600, ...own },
  ];
}

function applications({ apps }: Settings): Wanted[] {
  return Object.keys(apps).flatMap((name) => {
    const own = { owner: 'root', group: name };
    return [
      { path: `/etc/${name}`, mode: 0o750, ...own },
      { path: `/etc/${name}/env`, mode: 0o640, ...own },
      { path: `/srv/${name}`, mode: 0o750, ...own },
      { path: `/srv/${name}/releases`, mode: 0o750, ...own },
      { path: `/srv/${name}/incoming`, mode: 0o700, ...root },
      { path: `/srv/${name}/shared`, mode: 0o770, owner: name, group: name },
      { path: `/run/${name}/sockets`, mode: 0o2710, owner: name, group: 'berth-web' },
    ];
  });
}

/** Each path that there is; one that is not there cannot be read by anybody. */
async function look(host: Host, wanted: Wanted): Promise<{ wrong: string[] }[]> {
  const found = await Promise.all(
    (await expand(host, wanted.path)).map(async (path) => [path, await host.stat(path)] as const),
  );
  return found.flatMap(([path, stat]) =>
    stat && stat.type !== 'symlink' ? [{ wrong: faults(path, stat, wanted) }] : [],
  );
}

async function expand(host: Host, path: string): Promise<string[]> {
  const at = path.lastIndexOf('/');
  const [directory, last] = [path.slice(0, at), path.slice(at + 1)];
  if (!last.includes('*')) return [path];
  const names = (await host.list(directory)).filter((name) => name.endsWith(last.replace('*', '')));
  return names.map((name) => `${directory}/${name}`);
}

function faults(path: string, { mode, owner, group }: Stat, wanted: Wanted): string[] {
  const is = `${path} is ${octal(mode)} ${owner}:${group}`;
  const right =
    (mode & ~wanted.mode) === 0 && owner === (wanted.owner ?? owner) && group === (wanted.group ?? group);
  const shall = wanted.owner === undefined ? '' : ` ${wanted.owner}:${wanted.group}`;
  return right ? [] : [`${is}, at most ${octal(wanted.mode)}${shall}`];
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
