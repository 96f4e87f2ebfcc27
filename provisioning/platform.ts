import { BerthError } from './errors.ts';

/** What the supported distributions bring, so that a plan on a bare machine knows it before installing. */
export type Platform = {
  name: string;
  postgresql: string;
  /** `http2 on;` is a directive of its own since nginx 1.25.1. */
  nginxHttp2: 'parameter' | 'directive';
  systemd: number;
  openssh: number;
  /** Whether systemd listens for sshd. */
  sshSocket: boolean;
};

/** systemd's name of the cluster that Debian makes. */
export const clusterService = ({ postgresql }: Pick<Platform, 'postgresql'>) =>
  `postgresql@${postgresql}-main.service`;

const platforms: Record<string, Omit<Platform, 'name'>> = {
  'debian 12': { postgresql: '15', nginxHttp2: 'parameter', systemd: 252, openssh: 9.2, sshSocket: false },
  'debian 13': { postgresql: '17', nginxHttp2: 'directive', systemd: 257, openssh: 10, sshSocket: false },
  'ubuntu 24.04': { postgresql: '16', nginxHttp2: 'parameter', systemd: 255, openssh: 9.6, sshSocket: true },
  'ubuntu 26.04': { postgresql: '18', nginxHttp2: 'directive', systemd: 259, openssh: 10.2, sshSocket: true },
};

/**
 * The platform that an `/etc/os-release` text names.
 *
 * @throws BerthError `unsupported_distribution`
 */
export function platformOf(osRelease: string): Platform {
  const field = (name: string) => osRelease.match(new RegExp(`^${name}="?([^"\n]*)"?$`, 'm'))?.[1] ?? '';
  const name = `${field('ID')} ${field('VERSION_ID')}`.trim();
  const known = platforms[name];
  if (known) return { name, ...known };
  throw new BerthError(
    'unsupported_distribution',
    `this machine runs ${field('PRETTY_NAME') || name || 'an unknown system'}, which Berth does not support`,
    `use one of: ${Object.keys(platforms).join(', ')}`,
  );
}
