import { createHash } from 'node:crypto';

/**
 * How slugs and layers are named, alike on the operator's side and on the machine: what is built from one commit in
 * either place is one slug, unless its build script writes something else each time.
 */

/**
 * The files of an application's folder that say what npm is to install, some of which it may not have: those of its
 * workspaces too, which its lock file names as links, since `npm ci` compares the two.
 */
export function manifestFiles(lock: string): string[] {
  const { packages = {} } = JSON.parse(lock) as {
    packages?: Record<string, { link?: boolean; resolved?: string }>;
  };
  const workspaces = Object.values(packages).flatMap(({ link, resolved }) =>
    link && resolved ? [`${resolved}/package.json`] : [],
  );
  return ['package.json', 'package-lock.json', '.npmrc', ...workspaces];
}

/** Path → text of the manifest files. */
export type Manifests = Record<string, string>;

/** npm's names of a machine's platform. */
export type Target = { os: 'linux'; cpu: 'x64' | 'arm64'; libc: 'glibc' };

/** A layer is named by what npm is asked to install. */
export function layerId(manifests: Manifests, { os, cpu, libc }: Target): string {
  const files = ['package.json', 'package-lock.json'].map((file) => manifests[file] ?? '');
  return shortHash([os, cpu, libc, ...files].join('\n'));
}

/** One file, directory or symlink of a slug. */
export type SlugEntry = {
  /** Relative, without a slash at its end. */
  path: string;
  kind: 'file' | 'directory' | 'symlink';
  executable: boolean;
  /** A file's SHA-256, a symlink's target, nothing of a directory. */
  content: string;
};

/** A slug is named by what is in it: a commit that changes nothing of the application is the same slug. */
export function slugId(entries: SlugEntry[]): string {
  const lines = entries.map(({ path, kind, executable, content }) =>
    [path, kind, executable && kind === 'file' ? 'x' : '-', content].join('\0'),
  );
  return shortHash(lines.sort().join('\n'));
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
