import { createHash } from 'node:crypto';
import type { Mirror } from './sources.ts';

export type ImageName = 'debian-12' | 'debian-13';

const suites: Record<ImageName, string> = { 'debian-12': 'bookworm', 'debian-13': 'trixie' };

/** Everything that an image is made from; the same recipe is the same image. */
export type Recipe = {
  suite: string;
  /** apt sources, one a line; empty: mmdebstrap's own choice. */
  sources: string[];
  /** Files that are put into the image, by their path in it. */
  files: Record<string, string>;
};

/** What this computer adds to an image, so that apt and https work inside as they do outside. */
export type Surroundings = {
  mirror: Mirror | undefined;
  /** PEM texts by file name, from /usr/local/share/ca-certificates. */
  certificates: Record<string, string>;
  /** `Acquire::…` settings of the computer's apt, as `apt-config dump` prints them. */
  aptSettings: string[];
};

export function recipeFor(image: ImageName, { mirror, certificates, aptSettings }: Surroundings): Recipe {
  const suite = suites[image];
  const trusted = Object.entries(certificates).map(([name, pem]) => [
    `usr/local/share/ca-certificates/${name}`,
    pem,
  ]);
  return {
    suite,
    sources: mirror === undefined ? [] : sourceLines(suite, mirror),
    files: {
      // A machine for development and tests: after a power cut it is made anew, so dpkg need not wait for the disk.
      'etc/dpkg/dpkg.cfg.d/berth': 'force-unsafe-io\n',
      'etc/apt/apt.conf.d/90berth': [
        '// As on the computer that made this machine.',
        ...aptSettings,
        '',
      ].join('\n'),
      ...Object.fromEntries(trusted),
    },
  };
}

/** mmdebstrap's arguments, for a tar at `target`; sources are read from standard input, files from `$BERTH_SEED`. */
export function buildArgv(recipe: Recipe, target: string): string[] {
  return [
    'mmdebstrap',
    '--mode=root',
    '--format=tar',
    '--variant=important',
    // With the important packages this is what a bare VPS looks like; nothing here serves anything but ssh.
    '--include=ca-certificates,dbus,libpam-systemd,openssh-server,sudo',
    '--dpkgopt=force-unsafe-io',
    '--aptopt=Acquire::Retries "2"',
    '--aptopt=Acquire::http::Timeout "20"',
    ...hooks.map((hook) => `--customize-hook=${hook}`),
    recipe.suite,
    target,
    ...(recipe.sources.length === 0 ? [] : ['-']),
  ];
}

/** Run by mmdebstrap in a shell with the root file system as $1; constant texts, and the seed's path by environment. */
const hooks = [
  'cp -rT "$BERTH_SEED" "$1"',
  'chroot "$1" update-ca-certificates',
  'chroot "$1" systemctl enable systemd-networkd.service',
  // Host keys are a machine's, never an image's; these four are written for each machine.
  'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname "$1"/etc/hosts "$1"/etc/resolv.conf',
  // mmdebstrap leaves its own apt settings behind: those of the build, not of a machine.
  'rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap',
  // Empty, not missing: systemd makes one at each machine's first boot, and does not take it for a factory reset.
  ': > "$1"/etc/machine-id',
];

/** Changes whenever anything that the image is made from changes. */
export function fingerprint(recipe: Recipe): string {
  const inputs = JSON.stringify([recipe, buildArgv(recipe, '')]);
  return createHash('sha256').update(inputs).digest('hex').slice(0, 12);
}

function sourceLines(suite: string, { main, security }: Mirror): string[] {
  return [
    `deb ${main} ${suite} main`,
    `deb ${main} ${suite}-updates main`,
    ...(security === undefined ? [] : [`deb ${security} ${suite}-security main`]),
  ];
}
